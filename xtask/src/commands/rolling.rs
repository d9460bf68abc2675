//! `cargo xtask rolling`: restarts two bridges behind a balancer in turn, while calls are open.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::toolchain;

/// The default number of callers of a unary call, and of open streams.
pub(crate) const CALLERS: u32 = 200;

/// The default number of restarts.
pub(crate) const RESTARTS: u32 = 10;

/// Runs `callers` callers of a unary call and as many streams over two programs in release, which are restarted `restarts`
/// times in turn. Fails if a unary call fails, or a stream ends without a status.
pub(crate) fn rolling(sh: &Shell, callers: u32, restarts: u32) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    Ok(cmd!(
        sh,
        "cargo test --release --locked --package drawbridge-gateway --test it -- rolling:: --nocapture"
    )
    .env("DRAWBRIDGE_ROLLING", callers.to_string())
    .env("DRAWBRIDGE_ROLLING_RESTARTS", restarts.to_string())
    .run()?)
}
