//! Takes the picture of the page that the README shows: streams in several states, on a screen of ordinary width.
//!
//! `cargo xtask picture` runs this with all that it needs. The argument is the file to write.

use std::{env, fs};

use anyhow::{Context, Result};
use drawbridge_e2e::{Size, Theme, Visit};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let file = env::args().nth(1).context("the file to write is missing")?;
    let visit = Visit::start("/streams").await?;
    visit.browser.emulate(Size { width: 1200, height: 1010, phone: false }, Theme::Light).await?;
    visit.stream("lovelace").await?;
    visit.await_card("lovelace", "with four messages", |card| card.messages.len() >= 4).await?;
    visit.press_button("lovelace").await?;
    visit.await_state("lovelace", "cancelled").await?;
    visit.enter("hopper").await?;
    visit.await_card("hopper", "with five messages", |card| card.messages.len() >= 5).await?;
    visit.enter("hamilton").await?;
    visit.await_card("hamilton", "with two messages", |card| card.messages.len() >= 2).await?;
    // Pressing a button scrolls to it.
    visit.browser.read::<()>("scrollTo(0, 0)").await?;
    fs::write(file, visit.browser.client().screenshot().await?)?;
    Ok(())
}
