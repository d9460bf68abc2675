//! What a call costs in a browser, with `drawbridge-fetch` and with other clients.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde_json::Value;
use tokio::process::Command;

use crate::bridge::Bridge;
use crate::certificate::Certificate;
use crate::program::Program;
use crate::table::{Peer, Table};
use crate::target::Target;

/// What it takes to measure in a browser.
#[derive(Args)]
pub(super) struct InBrowser {
    /// The program that drives the browser
    #[arg(long, requires = "page")]
    browser: Option<PathBuf>,
    /// The folder of its page
    #[arg(long, requires = "browser")]
    page: Option<PathBuf>,
}

const ROWS: [(&str, &str, &str); 3] = [
    ("unary", "CPU per unary call in Chromium, HTTP/2", "µs"),
    ("message", "CPU per message of 100 bytes in Chromium, HTTP/2", "µs"),
    ("stream", "memory per open stream in Chromium, HTTP/2", "bytes"),
];

impl InBrowser {
    /// Measures calls of a page to the bridge that serves it.
    pub(super) async fn measure(&self, table: &mut Table, bridge: &Bridge) -> Result<()> {
        let (Some(browser), Some(page)) = (&self.browser, &self.page) else { return Ok(()) };
        if !ROWS.iter().any(|(_, name, _)| table.wants(name)) {
            return Ok(());
        }
        fs::write(page.join("descriptors.bin"), drawbridge_proto::FILE_DESCRIPTOR_SET)?;
        // Browsers speak HTTP/2 over TLS only.
        let bridge = bridge.clone().with_certificate(&Certificate::generate()?).with_assets(page);
        let target = Target::start(&Program::Bridge(bridge)).await?;
        let figures = drive(browser, &format!("https://{}/", target.address)).await?;
        for (key, name, unit) in ROWS {
            if table.wants(name) {
                let mut figures = figures.iter().filter_map(|client| figures_of(client, key));
                let (_, ours) = figures.next().with_context(|| format!("no figures of {key}"))?;
                let theirs = figures.filter_map(|(name, figures)| Some((peer(name)?, Some(figures))));
                table.add(name, unit, ours, theirs);
            }
        }
        Ok(())
    }
}

async fn drive(browser: &Path, url: &str) -> Result<Vec<Value>> {
    let output = Command::new(browser).arg(url).output().await?;
    ensure!(output.status.success(), "the browser: {}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("the browser's figures are no JSON")
}

/// Returns a client's name and its figures of all rounds.
fn figures_of<'a>(client: &'a Value, key: &str) -> Option<(&'a str, Vec<f64>)> {
    let figures = match &client[key] {
        Value::Array(rounds) => rounds.iter().filter_map(Value::as_f64).collect(),
        figure => vec![figure.as_f64()?],
    };
    Some((client["name"].as_str()?, figures))
}

/// The clients that are compared. The row has a name in the table, which lasts as long as the program.
fn peer(name: &str) -> Option<Peer> {
    ["connect-web", "grpc-web, binary", "grpc-web, text"]
        .into_iter()
        .find(|peer| *peer == name)
        .map(Peer::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_one_number_or_one_for_each_round() {
        let client = json!({ "name": "connect-web", "unary": [1.5, 2.5], "stream": 700.0, "message": null });
        assert_eq!(figures_of(&client, "unary"), Some(("connect-web", vec![1.5, 2.5])));
        assert_eq!(figures_of(&client, "stream"), Some(("connect-web", vec![700.0])));
        assert_eq!(figures_of(&client, "message"), None);
    }
}
