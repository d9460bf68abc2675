//! `cargo xtask bench`: what a call costs, beside peers or beside another revision.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::revision::Revision;
use crate::{python, server, valgrind};

/// The end of `cargo xtask bench --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask bench unary                              Rows with `unary` in their names
  cargo xtask bench --compare main                     What this branch changes
  cargo xtask bench --compare HEAD --max-ratio 1.01    Fail at 1 % more instructions in any row";

/// What to measure.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Measure only the rows whose names contain this text, such as `unary`, `64 KB` or `HTTP/2`
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

/// Measures the bridge beside Envoy and the floor, and its hosted services beside bare tonic-web.
fn peers(sh: &Shell, Options { only, .. }: &Options) -> Result<()> {
    let python = python::ENVOY.ensure(sh)?;
    let find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    let envoy = cmd!(sh, "{python} -c {find}").read()?;
    cmd!(sh, "{envoy} --version")
        .quiet()
        .ignore_stdout()
        .run()
        .with_context(|| format!("Envoy was installed at {envoy}, but does not run on this machine"))?;
    let bridge = server::build_release(sh)?;
    let [bench, floor] = programs(sh)?;
    Ok(cmd!(sh, "{bench} peers --bridge {bridge} --envoy {envoy} --floor {floor} -- {only}").run()?)
}

/// Measures the program of the working tree beside that of a revision.
fn compare(sh: &Shell, revision: &str, Options { only, max_ratio, .. }: &Options) -> Result<()> {
    let valgrind = valgrind::ensure(sh)?;
    let Revision { name, program: old } = Revision::build(sh, revision)?;
    let new = server::build_release(sh)?;
    let [bench, _] = programs(sh)?;
    let limit = max_ratio.map(|most| format!("--max-ratio={most}"));
    Ok(cmd!(
        sh,
        "{bench} compare --old {old} --revision {name} --new {new} --valgrind {valgrind} {limit...} -- {only}"
    )
    .run()?)
}

/// Builds the programs that measure and that are measured for comparison.
fn programs(sh: &Shell) -> Result<[PathBuf; 2]> {
    server::build_release_of(sh, "drawbridge-bench", ["drawbridge-bench", "floor"])
}
