//! `cargo xtask test`: runs all tests. What a test needs is found or installed; a missing program skips no test.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use xshell::{Cmd, Shell, cmd};

use crate::browser::Browser;
use crate::steps::Steps;
use crate::{commands, python, server, toolchain, workspace};

/// A part of the tests that can be run alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Unit and integration tests, as with a plain `cargo test`
    Native,
    /// Python's grpcio as a client of the server
    Grpcio,
    /// Build the page and check the size of its first load
    Page,
    /// End to end, in headless Chromium
    Browser,
}

/// Runs `parts`, or all if there are none. `args` are passed to the test programs.
pub(crate) fn test(sh: &Shell, steps: &mut Steps, parts: &[Part], args: &[OsString]) -> Result<()> {
    let wanted = |part| parts.is_empty() || parts.contains(&part);
    if wanted(Part::Native) {
        steps.step("native tests", || native(sh, args))?;
    }
    if wanted(Part::Grpcio) {
        steps.step("grpcio as a client", || grpcio(sh))?;
    }
    if wanted(Part::Page) {
        steps.step("page and its first load", || commands::page::page(sh))?;
    }
    if wanted(Part::Browser) {
        let browser = steps.step("browser", || Browser::ensure(sh))?;
        steps.step("end to end in Chromium", || end_to_end(sh, &browser, args))?;
    }
    Ok(())
}

fn native(sh: &Shell, args: &[OsString]) -> Result<()> {
    toolchain::ensure_c_compiler()?;
    Ok(cmd!(sh, "cargo test --locked -- {args...}").run()?)
}

fn grpcio(sh: &Shell) -> Result<()> {
    let python = python::GRPCIO.ensure(sh)?;
    let program = server::build(sh)?;
    Ok(cmd!(sh, "{python} -m unittest discover --verbose --start-directory tests/grpcio")
        .env("DRAWBRIDGE_BIN", program)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .run()?)
}

fn end_to_end(sh: &Shell, browser: &Browser, args: &[OsString]) -> Result<()> {
    let tests = cmd!(sh, "cargo test --locked --package drawbridge-e2e -- {args...}");
    let tests = with_browser(sh, tests, browser, &workspace::dist())?;
    Ok(tests.env("DRAWBRIDGE_TONIC_WEB_BIN", server::build_tonic_web(sh)?).run()?)
}

/// Builds the server, and adds the paths of server, page and browser to the environment of `command`.
pub(crate) fn with_browser<'sh>(
    sh: &'sh Shell,
    command: Cmd<'sh>,
    browser: &Browser,
    page: &Path,
) -> Result<Cmd<'sh>> {
    sh.read_file(page.join("index.html")).context("the page was not built: run `cargo xtask page`")?;
    Ok(command
        .env("CHROME", &browser.chrome)
        .env("CHROMEDRIVER", &browser.chromedriver)
        .env("DRAWBRIDGE_BIN", server::build(sh)?)
        .env("DRAWBRIDGE_PAGE", page))
}
