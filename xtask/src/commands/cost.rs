//! `cargo xtask cost`: what the CALL layer costs, beside the same router without it.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::toolchain;

/// Measures in release, prints the figures, and fails where they are over the limit.
pub(crate) fn cost(sh: &Shell) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    Ok(cmd!(sh, "cargo test --release --locked --package drawbridge --lib -- cost:: --ignored --nocapture")
        .run()?)
}
