//! `cargo xtask bench`: what a call costs over the bridge beside Envoy, and a hosted one beside bare tonic-web.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{python, server, toolchain};

/// Measures in release, prints the table, and fails where a figure is over its limit.
pub(crate) fn bench(sh: &Shell) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    let python = python::ENVOY.ensure(sh)?;
    let find = "import envoy, pathlib; print(pathlib.Path(envoy.__file__).parent / '_bin' / 'envoy')";
    let envoy = cmd!(sh, "{python} -c {find}").read()?;
    let bridge = server::build_release(sh)?;
    Ok(cmd!(sh, "cargo run --release --locked --package drawbridge-bench -- {bridge} {envoy}").run()?)
}
