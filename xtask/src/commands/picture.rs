//! `cargo xtask picture`: takes the README's picture of the page.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::browser::Browser;
use crate::commands::{page, test};
use crate::workspace;

/// The most bytes that the picture may have.
const LIMIT: u64 = 200_000;

/// Builds page and server, and takes the picture in headless Chromium.
pub(crate) fn picture(sh: &Shell) -> Result<()> {
    page::page(sh)?;
    let browser = Browser::ensure(sh)?;
    let file = workspace::root().join("docs/src/page.png");
    let take = cmd!(sh, "cargo run --locked --package drawbridge-e2e --example picture -- {file}");
    test::with_browser(sh, take, &browser, &workspace::dist())?.run()?;
    let bytes = file.metadata()?.len();
    ensure!(bytes <= LIMIT, "docs/src/page.png has {bytes} bytes, more than {LIMIT}");
    println!("docs/src/page.png: {bytes} bytes");
    Ok(())
}
