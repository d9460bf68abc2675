//! How the page explains failures and retries calls.

use anyhow::Result;
use drawbridge_e2e::{STREAM, Visit};

/// Returns the explanation of a failed stream, which must contain no jargon.
async fn explanation(visit: &Visit, key: &str) -> Result<String> {
    let card = visit
        .await_card(key, "that failed with an explanation", |card| {
            card.state == "failed" && card.failure.is_some()
        })
        .await?;
    assert_eq!(card.action.as_deref(), Some("open"), "the stream can be opened again");
    let explanation = card.failure.unwrap_or_default();
    for jargon in ["TypeError", "JsValue", "undefined", "fetch", "Status {"] {
        assert!(!explanation.contains(jargon), "{explanation:?} contains {jargon}");
    }
    assert!(!explanation.trim().is_empty(), "no explanation");
    Ok(explanation)
}

#[tokio::test]
async fn a_server_that_is_down_is_explained_and_the_call_can_be_retried() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.server.kill();
    visit.enter_key("ada").await?;
    explanation(&visit, "ada").await?;

    visit.server.restart().await?;
    visit.click_button("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    let card = visit.await_card("ada", "with a first message", |card| !card.messages.is_empty()).await?;
    assert_eq!((card.state.as_str(), card.failure), ("streaming", None));
    assert!(call.is_open());
    Ok(())
}

#[tokio::test]
async fn a_broken_connection_is_explained_and_the_call_can_be_retried() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    visit.server.kill();
    let broken = explanation(&visit, "ada").await?;
    let card = visit.await_state("ada", "failed").await?;
    assert!(!card.messages.is_empty(), "the messages are still shown");
    visit.enter_key("grace").await?;
    assert_ne!(
        broken,
        explanation(&visit, "grace").await?,
        "a broken connection and a server that is down have different explanations"
    );

    visit.server.restart().await?;
    visit.open_stream("ada").await?;
    assert_eq!(visit.await_state("ada", "streaming").await?.failure, None);
    Ok(())
}

#[tokio::test]
async fn an_error_from_the_server_is_shown_with_its_code() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let key = "k".repeat(257);
    visit.enter_key(&key).await?;
    let explanation = explanation(&visit, &key).await?;
    assert!(explanation.contains("INVALID_ARGUMENT"), "{explanation:?}");
    assert_eq!(visit.server.next_call(STREAM).await?.end().await?.code, "INVALID_ARGUMENT");
    Ok(())
}
