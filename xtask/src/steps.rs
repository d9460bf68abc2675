//! Runs the steps of a command: announces and times each, and prints a table of them at the end.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// The steps that have ended: name, duration, success.
pub(crate) struct Steps {
    ended: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Runs `work` and prints the table of the steps that it took, also if one failed.
    pub(crate) fn all(work: impl FnOnce(&mut Steps) -> Result<()>) -> Result<()> {
        let mut steps = Steps { ended: Vec::new() };
        let result = work(&mut steps);
        println!("\n{}", steps.table());
        result
    }

    /// Runs one step. Its error reads `NAME failed: …`.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {name}");
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        self.ended.push((name.to_owned(), took, result.is_ok()));
        if result.is_ok() {
            println!("    {name}: ok, {:.1} s", took.as_secs_f64());
        }
        result.with_context(|| format!("{name} failed"))
    }

    fn table(&self) -> String {
        let width = self.ended.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).max(5);
        let mut lines: Vec<String> = self
            .ended
            .iter()
            .map(|(name, took, ok)| {
                let result = if *ok { "ok" } else { "FAILED" };
                format!("{name:width$}  {:>7.1} s  {result}", took.as_secs_f64())
            })
            .collect();
        let total: Duration = self.ended.iter().map(|(_, took, _)| *took).sum();
        lines.push(format!("{:width$}  {:>7.1} s", "total", total.as_secs_f64()));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_ends_the_command_with_the_name_of_its_step() {
        let mut later = false;
        let error = Steps::all(|steps| {
            steps.step("first", || Ok(()))?;
            steps.step("second", || anyhow::bail!("no luck"))?;
            later = true;
            Ok(())
        })
        .unwrap_err();
        assert_eq!(format!("{error:#}"), "second failed: no luck");
        assert!(!later);
    }

    #[test]
    fn the_table_lists_every_step_with_its_time_and_result() {
        let ended = vec![
            ("tests".to_owned(), Duration::from_millis(61_240), true),
            ("docs".to_owned(), Duration::from_millis(900), false),
        ];
        assert_eq!(
            Steps { ended }.table(),
            "tests     61.2 s  ok\ndocs       0.9 s  FAILED\ntotal     62.1 s"
        );
    }
}
