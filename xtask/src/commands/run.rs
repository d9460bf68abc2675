//! `cargo xtask run`: builds the server with its page and runs it.

use std::ffi::OsString;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::{commands, toolchain, workspace};

/// The server's package.
const SERVER: &str = "drawbridge-gateway";

/// Builds the page, then the server that embeds it, and replaces this process with the server.
///
/// The server is built with the profile `quick`, and with `release` for the program that is shipped.
pub(crate) fn run(sh: &Shell, release: bool, args: &[OsString]) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    let profile = if release { "release" } else { "quick" };
    // What the server is made of is compiled while the page's tools and the page are: each of them has long stretches of work
    // for one core.
    thread::scope(|scope| {
        let dependencies = scope.spawn(|| build_library(profile));
        let page = commands::page::page(sh);
        let dependencies = dependencies.join().expect("it returns its errors");
        page.and(dependencies.context("the server was not built"))
    })?;
    cmd!(sh, "cargo build --profile {profile} --locked --package {SERVER}").run()?;
    become_program(
        cmd!(sh, "cargo run --quiet --profile {profile} --locked --package {SERVER} -- {args...}").into(),
    )
}

/// Builds the server's library with all that it depends on. It embeds the page that is there, so cargo compiles the library a
/// second time if the page changes, and nothing else.
fn build_library(profile: &str) -> Result<()> {
    let sh = workspace::shell()?;
    Ok(cmd!(sh, "cargo build --quiet --profile {profile} --locked --package {SERVER} --lib").run()?)
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
