//! `cargo xtask run`: the whole product, built in release and served.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::{commands, toolchain};

/// Builds the page, then the server that carries it, and becomes that server.
pub(crate) fn run(sh: &Shell, args: &[OsString]) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    commands::page::page(sh)?;
    cmd!(sh, "cargo build --release --locked --package drawbridge").run()?;
    become_program(cmd!(sh, "cargo run --quiet --release --locked --package drawbridge -- {args...}").into())
}

/// Replaces this process, so that signals reach the server and its exit code is the command's own.
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
