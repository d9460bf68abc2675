//! `cargo xtask lighthouse`: the speed of the page's first load, as Lighthouse judges it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::browser::Browser;
use crate::commands::page;
use crate::{server, workspace};

/// The version of Lighthouse. Scores of different versions differ.
const VERSION: &str = "12.8.2";

/// The number of runs, whose median counts.
const RUNS: usize = 5;

/// The least performance score, of 100.
const LIMIT: f64 = 98.0;

/// What is printed of each run, in milliseconds.
const METRICS: [(&str, &str); 4] = [
    ("first-contentful-paint", "FCP"),
    ("largest-contentful-paint", "LCP"),
    ("total-blocking-time", "TBT"),
    ("speed-index", "speed index"),
];

/// Headless, and usable as root. Chromium asks no other server for anything.
const CHROME_FLAGS: &str = "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking \
                            --disable-component-update --disable-sync --no-first-run";

/// Builds page and server in release, and judges the first view with the mobile preset. Fails if the median is under the limit.
pub(crate) fn lighthouse(sh: &Shell) -> Result<()> {
    let lighthouse = ensure(sh)?;
    let browser = Browser::ensure(sh)?;
    page::page(sh)?;
    let server = Server::start(&server::build_release(sh)?)?;
    println!("Lighthouse {VERSION}, mobile preset, {}", server.url);
    let mut scores = Vec::new();
    for run in 1..=RUNS {
        let report = report(sh, &lighthouse, &browser.chrome, &server.url)?;
        let (score, metrics) = summary(&report).context("Lighthouse's report has no performance score")?;
        println!("  run {run}: {score:.0} ({metrics})");
        scores.push(score);
    }
    let median = median(scores);
    println!("  median: {median:.0}");
    ensure!(median >= LIMIT, "the median performance is {median:.0}, less than {LIMIT:.0}");
    Ok(())
}

/// Returns the path of Lighthouse's script, after installing it into `.tools/` if it is not there.
fn ensure(sh: &Shell) -> Result<PathBuf> {
    let Ok(npm) = which::which("npm") else {
        bail!(
            "no `npm` on PATH, and Lighthouse is installed with it: install Node.js 20 or later from https://nodejs.org"
        );
    };
    let folder = workspace::tools().join(format!("lighthouse-{VERSION}"));
    let script = folder.join("node_modules/lighthouse/cli/index.js");
    if !script.is_file() {
        println!("Installing Lighthouse {VERSION} into .tools/ with npm: it judges how fast the page loads.");
        let options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
        cmd!(sh, "{npm} install --prefix {folder} {options...} lighthouse@{VERSION}").run().context(
            "npm did not install Lighthouse; its output is above. Only the first run needs the network",
        )?;
    }
    Ok(script)
}

/// Runs Lighthouse once. Its default is the mobile preset: a slow phone on a slow network, simulated.
fn report(sh: &Shell, lighthouse: &Path, chrome: &Path, url: &str) -> Result<Value> {
    let output = ["--quiet", "--output=json", "--only-categories=performance", CHROME_FLAGS];
    let report = cmd!(sh, "node {lighthouse} {url} {output...}").env("CHROME_PATH", chrome).quiet().read()?;
    serde_json::from_str(&report).context("Lighthouse's report is not JSON")
}

/// Returns the performance score, of 100, and the metrics in words.
fn summary(report: &Value) -> Option<(f64, String)> {
    let score = report["categories"]["performance"]["score"].as_f64()? * 100.0;
    let metrics = METRICS.map(|(id, name)| match report["audits"][id]["numericValue"].as_f64() {
        Some(milliseconds) => format!("{name} {milliseconds:.0} ms"),
        None => format!("{name} unknown"),
    });
    Some((score, metrics.join(", ")))
}

fn median(mut scores: Vec<f64>) -> f64 {
    scores.sort_by(f64::total_cmp);
    scores[scores.len() / 2]
}

/// A running server, ended on drop.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> Result<Self> {
        let child = Command::new(program).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn()?;
        let mut server = Server { child, url: String::new() };
        let stdout = server.child.stdout.take().context("the server has no output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                url.clone_into(&mut server.url);
                return Ok(server);
            }
        }
        bail!("the server ended before it printed its address")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_and_metrics_are_read() {
        let report = serde_json::json!({
            "categories": { "performance": { "score": 0.98 } },
            "audits": { "total-blocking-time": { "numericValue": 12.4 } },
        });
        let (score, metrics) = summary(&report).unwrap();
        assert!((score - 98.0).abs() < 1e-9);
        assert!(metrics.contains("TBT 12 ms"), "{metrics}");
        assert!(summary(&Value::Null).is_none());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![99.0, 97.0, 98.0]) - 98.0).abs() < 1e-9);
    }
}
