//! `cargo xtask run`: builds the server with its page in release and runs it.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{commands, toolchain};

/// Builds the page, then the server that embeds it, and replaces this process with the server.
pub(crate) fn run(sh: &Shell, args: &[OsString]) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    commands::page::page(sh)?;
    cmd!(sh, "cargo build --release --locked --package drawbridge-gateway").run()?;
    become_program(
        cmd!(sh, "cargo run --quiet --release --locked --package drawbridge-gateway -- {args...}").into(),
    )
}

/// Replaces this process, so that the server gets its signals and its exit code is the command's.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1));
}
