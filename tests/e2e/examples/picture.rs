//! Takes the README's screenshot of the page: streams in several states.
//!
//! `cargo xtask picture` builds what it needs and runs it. The argument is the file to write.

use std::{env, fs};

use anyhow::{Context, Result};
use drawbridge_e2e::{Size, Theme, Visit};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let file = env::args().nth(1).context("the argument must be the file to write")?;
    let visit = Visit::start("/streams").await?;
    visit.browser.emulate(Size { width: 1200, height: 1010, phone: false }, Theme::Light).await?;
    visit.open_stream("lovelace").await?;
    visit.await_card("lovelace", "with four messages", |card| card.messages.len() >= 4).await?;
    visit.click_button("lovelace").await?;
    visit.await_state("lovelace", "cancelled").await?;
    visit.enter_key("hopper").await?;
    visit.await_card("hopper", "with five messages", |card| card.messages.len() >= 5).await?;
    visit.enter_key("hamilton").await?;
    visit.await_card("hamilton", "with two messages", |card| card.messages.len() >= 2).await?;
    // A click scrolls to the button.
    visit.browser.read::<()>("scrollTo(0, 0)").await?;
    fs::write(file, visit.browser.client().screenshot().await?)?;
    Ok(())
}
