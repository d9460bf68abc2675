//! A server that restarts at the same address: live views go on, and a stream of work offers to start again.

use anyhow::Result;
use drawbridge_e2e::{GREETINGS, Server, Visit};

/// Opens `path` of a server that ends its open calls at once when it is asked to stop.
async fn visit(path: &str) -> Result<Visit> {
    Visit::of(Server::start_with(&["--drain", "0s"]).await?, path).await
}

async fn restart(visit: &mut Visit) -> Result<()> {
    visit.server.terminate()?;
    visit.server.restart().await
}

#[tokio::test]
async fn a_live_stream_goes_on_over_a_restart_and_says_so() -> Result<()> {
    let mut visit = visit("/greeter").await?;
    visit.type_into("#name", "ada").await?;
    visit.browser.click("#start-greetings").await?;
    visit.server.next_call(GREETINGS).await?;
    let script = "return document.querySelectorAll('#greetings .messages li').length";
    let before: usize =
        visit.browser.await_value("a greeting", script, |greetings: &usize| *greetings > 0).await?;

    restart(&mut visit).await?;
    visit.server.next_call(GREETINGS).await?;
    visit.await_text(".connection", |text| text.starts_with("The server restarted at ")).await?;
    visit
        .browser
        .await_value("greetings of the new server", script, |greetings: &usize| *greetings > before)
        .await?;
    let state: String =
        visit.browser.read("return document.querySelector('#greetings').dataset.state").await?;
    assert_eq!(state, "streaming");
    Ok(())
}

#[tokio::test]
async fn the_list_of_calls_goes_on_over_a_restart_and_says_so() -> Result<()> {
    let mut visit = visit("/calls").await?;
    visit.await_text(".calls .state", |text| text == "live").await?;
    restart(&mut visit).await?;
    visit.await_text(".connection", |text| text.starts_with("The server restarted at ")).await?;
    visit.await_text(".calls .state", |text| text == "live").await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_of_work_is_not_repeated_and_offers_to_start_again() -> Result<()> {
    let mut visit = visit("/streams").await?;
    visit.open_stream("ada").await?;
    restart(&mut visit).await?;
    let card = visit.await_state("ada", "failed").await?;
    let failure = card.failure.unwrap_or_default();
    assert!(failure.contains("The server restarts"), "{failure:?}");
    assert!(failure.contains("UNAVAILABLE"), "{failure:?}");
    let label = "return document.querySelector('#streams > li button').textContent";
    assert_eq!(visit.browser.read::<String>(label).await?, "Start again");
    assert_eq!(visit.server.log().open_calls(), 0, "the page has repeated it");
    visit.open_stream("ada").await?;
    assert_eq!(visit.await_state("ada", "streaming").await?.failure, None);
    Ok(())
}
