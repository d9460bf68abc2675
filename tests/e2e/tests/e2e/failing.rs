//! What the page says when something is broken, and how it is tried again.

use anyhow::Result;
use drawbridge_e2e::{STREAM, Visit};

/// Returns why the stream of `key` failed, which must be said in words that are for people.
async fn reason(visit: &Visit, key: &str) -> Result<String> {
    let card = visit
        .await_card(key, "that failed and says why", |card| card.state == "failed" && card.reason.is_some())
        .await?;
    assert_eq!(card.action.as_deref(), Some("again"), "it can be tried again");
    let reason = card.reason.unwrap_or_default();
    for jargon in ["TypeError", "JsValue", "undefined", "fetch", "Status {"] {
        assert!(!reason.contains(jargon), "{reason:?} is not for people");
    }
    assert!(!reason.trim().is_empty(), "it says nothing");
    Ok(reason)
}

#[tokio::test]
async fn a_server_that_is_down_is_told_and_tried_again() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.server.kill();
    visit.enter("ada").await?;
    reason(&visit, "ada").await?;

    visit.server.restart().await?;
    visit.press_button("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    let card = visit.await_card("ada", "with a first message", |card| !card.messages.is_empty()).await?;
    assert_eq!((card.state.as_str(), card.reason), ("streaming", None));
    assert!(call.is_open());
    Ok(())
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_stream_is_told_and_tried_again() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.stream("ada").await?;
    visit.server.kill();
    let broken = reason(&visit, "ada").await?;
    let card = visit.await_state("ada", "failed").await?;
    assert!(!card.messages.is_empty(), "what had come is still shown");
    visit.enter("grace").await?;
    assert_ne!(broken, reason(&visit, "grace").await?, "a broken connection is not a server that is down");

    visit.server.restart().await?;
    visit.stream("ada").await?;
    assert_eq!(visit.await_state("ada", "streaming").await?.reason, None);
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_server_is_told_by_its_name_and_message() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let key = "k".repeat(257);
    visit.enter(&key).await?;
    let reason = reason(&visit, &key).await?;
    assert!(reason.contains("INVALID_ARGUMENT"), "{reason:?}");
    assert_eq!(visit.server.next_call(STREAM).await?.end().await?.code, "INVALID_ARGUMENT");
    Ok(())
}
