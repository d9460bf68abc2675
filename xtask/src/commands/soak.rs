//! `cargo xtask soak`: opens and leaves many streams, and checks that the server frees them.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::toolchain;

/// The default number of streams that are opened and left one after the other.
pub(crate) const STREAMS: u32 = 100_000;

/// The default number of streams that are open at a time.
pub(crate) const IDLE: u32 = 20_000;

/// Opens and leaves `streams` streams one after the other on a server in release, and `idle` streams at a time through a bridge.
/// Fails if calls stay open or memory is not freed.
pub(crate) fn soak(sh: &Shell, streams: u32, idle: u32) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    Ok(cmd!(sh, "cargo test --release --locked --package drawbridge-gateway --test it -- soak:: --nocapture")
        .env("DRAWBRIDGE_SOAK", streams.to_string())
        .env("DRAWBRIDGE_SOAK_IDLE", idle.to_string())
        .run()?)
}
