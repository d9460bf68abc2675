//! `cargo xtask soak`: many streams, opened and left, and what they leave behind in the server.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::toolchain;

/// How many streams are opened and left one after the other, unless the command line says otherwise.
pub(crate) const STREAMS: u32 = 100_000;

/// How many streams are held open at a time, unless the command line says otherwise.
pub(crate) const IDLE: u32 = 20_000;

/// Opens and leaves `streams` streams on a server in release, and `idle` streams at a time over a bridge, and fails if memory
/// or open calls are left behind.
pub(crate) fn soak(sh: &Shell, streams: u32, idle: u32) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    Ok(cmd!(sh, "cargo test --release --locked --package drawbridge --test it -- soak:: --nocapture")
        .env("DRAWBRIDGE_SOAK", streams.to_string())
        .env("DRAWBRIDGE_SOAK_IDLE", idle.to_string())
        .run()?)
}
