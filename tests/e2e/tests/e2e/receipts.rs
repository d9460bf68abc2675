//! Receipts: the server's record that a cancelled call has stopped.

use anyhow::Result;
use drawbridge_e2e::{GREETINGS, Visit};

/// Waits for a receipt that says when the handler stopped, and returns its text.
async fn receipt(visit: &Visit, css: &str) -> Result<String> {
    let complete = |text: &str| text.contains("client gone after") && text.contains("handler stopped");
    visit.await_text(css, complete).await
}

#[tokio::test]
async fn a_cancelled_stream_shows_its_receipt() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.click_button("ada").await?;
    let text = receipt(&visit, "#streams .receipt").await?;
    assert!(text.contains("This receipt arrived") && text.contains("after the abort"), "{text:?}");
    assert_eq!(call.end().await?.how, "client gone");
    // The next stream of the key has no receipt.
    visit.click_button("ada").await?;
    let shown = "return document.querySelector('#streams .receipt') === null";
    visit.browser.await_value("no receipt", shown, |none: &bool| *none).await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cancelled_before_its_first_message_shows_its_receipt() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.enter_key("ada").await?;
    visit.server.next_call(drawbridge_e2e::STREAM).await?;
    visit.click_button("ada").await?;
    receipt(&visit, "#streams .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn a_stopped_stream_of_greetings_shows_its_receipt() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click("#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    visit.browser.click("#stop-greetings").await?;
    let text = receipt(&visit, ".greeter .receipt").await?;
    assert!(text.contains("after the abort"), "{text:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn on_return_to_a_view_each_dropped_call_has_its_receipt() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    visit.open_stream("grace").await?;
    visit.follow("/greeter").await?;
    visit.follow("/streams").await?;
    for (number, key) in [(1, "ada"), (2, "grace")] {
        let text = receipt(&visit, &format!("#dropped .receipt:nth-of-type({})", number + 1)).await?;
        assert!(text.starts_with(key) && text.contains("after the abort"), "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn on_return_to_the_greeter_the_stream_has_its_receipt() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click("#start-greetings").await?;
    visit.server.next_call(GREETINGS).await?;
    visit.follow("/streams").await?;
    visit.follow("/greeter").await?;
    receipt(&visit, "#dropped .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn after_a_reload_the_receipt_is_fetched() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    visit.browser.client().refresh().await?;
    let text = receipt(&visit, "#dropped .receipt").await?;
    assert!(!text.contains("after the abort"), "{text:?}: a reload restarts the page's clock");
    Ok(())
}

#[tokio::test]
async fn after_the_back_forward_cache_the_receipt_is_fetched() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    visit.browser.client().back().await?;
    visit.await_page_shows(&[false, true]).await?;
    receipt(&visit, "#dropped .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn a_receipt_that_cannot_be_fetched_is_explained() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    // The calls service is unreachable, while the stream itself is open.
    let script = "const { fetch } = window;
        window.fetch = (url, init) => String(url).includes('drawbridge.calls.v1')
          ? Promise.reject(new TypeError('gone')) : fetch(url, init)";
    visit.browser.read::<()>(script).await?;
    visit.click_button("ada").await?;
    visit.await_text("#streams .receipt", |text| text.contains("could not be fetched")).await?;
    visit.server.kill();
    Ok(())
}
