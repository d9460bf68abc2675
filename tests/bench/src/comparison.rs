//! The table of two builds: CPU time and instructions of each, and their ratios.

use std::fmt;

use anyhow::{Result, bail};

/// What two builds need for a unit of work, the older build first.
pub(crate) struct Row {
    pub(crate) name: String,
    /// CPU time, in microseconds.
    pub(crate) cpu: [f64; 2],
    pub(crate) instructions: [f64; 2],
}

/// All rows of a run.
pub(crate) struct Comparison {
    revision: String,
    max_ratio: Option<f64>,
    rows: Vec<Row>,
}

impl Comparison {
    pub(crate) fn new(revision: &str, max_ratio: Option<f64>) -> Self {
        Self { revision: revision.to_owned(), max_ratio, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Fails if the ratio of instructions of any row is over the limit.
    pub(crate) fn check(&self) -> Result<()> {
        let over: Vec<String> = self
            .rows
            .iter()
            .filter(|row| self.is_over(row))
            .map(|row| format!("{} ({:.4})", row.name, ratio(row.instructions)))
            .collect();
        if let (Some(most), false) = (self.max_ratio, over.is_empty()) {
            bail!("more than {most} times the instructions of {}: {}", self.revision, over.join(", "));
        }
        Ok(())
    }

    fn is_over(&self, row: &Row) -> bool {
        let ratio = ratio(row.instructions);
        self.max_ratio.is_some_and(|most| ratio > most || ratio.is_nan())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = &self.revision;
        writeln!(
            f,
            "| | CPU of {old}, µs | CPU now, µs | ratio | instructions of {old} | instructions now | ratio |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.rows {
            let over = if self.is_over(row) { " (over the limit)" } else { "" };
            writeln!(f, "| {row}{over} |")?;
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, cpu, instructions } = self;
        let [old, new] = cpu;
        write!(f, "{name} | {old:.2} | {new:.2} | {:.2} | ", ratio(*cpu))?;
        let [old, new] = instructions;
        write!(f, "{old:.0} | {new:.0} | {:.4}", ratio(*instructions))
    }
}

fn ratio([old, new]: [f64; 2]) -> f64 {
    new / old
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(max_ratio: Option<f64>) -> Comparison {
        let mut comparison = Comparison::new("main", max_ratio);
        let rows = [("unary call, HTTP/1.1", 60_000.0, 60_300.0), ("unary call, HTTP/2", 50_000.0, 50_900.0)];
        for (name, old, new) in rows {
            comparison.add(Row { name: name.to_owned(), cpu: [10.0, 11.0], instructions: [old, new] });
        }
        comparison
    }

    #[test]
    fn a_row_has_both_figures_and_their_ratios() {
        let row = "unary call, HTTP/1.1 | 10.00 | 11.00 | 1.10 | 60000 | 60300 | 1.0050";
        let table = comparison(None).to_string();
        assert_eq!(table.lines().nth(2).unwrap(), format!("| {row} |"));
        assert_eq!(table.lines().count(), 4);
    }

    #[test]
    fn a_ratio_over_the_limit_fails_and_is_marked() {
        let comparison = comparison(Some(1.01));
        let error = comparison.check().unwrap_err().to_string();
        assert_eq!(error, "more than 1.01 times the instructions of main: unary call, HTTP/2 (1.0180)");
        let marked: Vec<bool> =
            comparison.to_string().lines().map(|line| line.contains("over the limit")).collect();
        assert_eq!(marked, [false, false, false, true]);
    }

    #[test]
    fn ratios_within_the_limit_pass() {
        comparison(Some(1.02)).check().unwrap();
        comparison(None).check().unwrap();
    }

    #[test]
    fn a_ratio_that_is_no_number_is_over_the_limit() {
        let mut comparison = Comparison::new("main", Some(1.01));
        comparison.add(Row { name: "unary call".to_owned(), cpu: [1.0; 2], instructions: [0.0, 0.0] });
        assert!(comparison.check().is_err());
    }
}
