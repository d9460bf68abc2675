//! The server's proof that what the page let go has stopped.

use anyhow::Result;
use drawbridge_e2e::{GREETINGS, Visit};

/// Waits for a receipt that says when the handler stopped, and returns it.
async fn receipt(visit: &Visit, css: &str) -> Result<String> {
    let told = |words: &str| words.contains("client gone after") && words.contains("handler stopped");
    visit.await_text(css, told).await
}

#[tokio::test]
async fn a_cancelled_stream_shows_the_servers_proof() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.stream("ada").await?;
    visit.press_button("ada").await?;
    let words = receipt(&visit, "#streams .receipt").await?;
    assert!(words.contains("This receipt was here") && words.contains("after the abort"), "{words:?}");
    assert_eq!(call.end().await?.how, "client gone");
    // The next stream of the same key has not been cancelled.
    visit.press_button("ada").await?;
    let shown = "return document.querySelector('#streams .receipt') === null";
    visit.browser.await_value("no receipt", shown, |none: &bool| *none).await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cancelled_before_its_answer_has_a_receipt_too() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.enter("ada").await?;
    visit.server.next_call(drawbridge_e2e::STREAM).await?;
    visit.press_button("ada").await?;
    receipt(&visit, "#streams .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn stopped_greetings_show_the_servers_proof() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click("#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    visit.browser.click("#stop-greetings").await?;
    let words = receipt(&visit, ".greeter .receipt").await?;
    assert!(words.contains("after the abort"), "{words:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn after_a_leave_the_receipts_wait_in_the_view() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.stream("ada").await?;
    visit.stream("grace").await?;
    visit.follow("/greeter").await?;
    visit.follow("/streams").await?;
    for (number, key) in [(1, "ada"), (2, "grace")] {
        let words = receipt(&visit, &format!("#left .receipt:nth-of-type({})", number + 1)).await?;
        assert!(words.starts_with(key) && words.contains("after the abort"), "{words:?}");
    }
    Ok(())
}

#[tokio::test]
async fn greetings_that_were_left_have_a_receipt_on_return() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click("#start-greetings").await?;
    visit.server.next_call(GREETINGS).await?;
    visit.follow("/streams").await?;
    visit.follow("/greeter").await?;
    receipt(&visit, "#left .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn after_a_reload_the_receipt_is_asked_then() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.stream("ada").await?;
    visit.browser.client().refresh().await?;
    let words = receipt(&visit, "#left .receipt").await?;
    assert!(!words.contains("after the abort"), "{words:?}: the page's clock began anew");
    Ok(())
}

#[tokio::test]
async fn out_of_the_back_forward_cache_the_receipt_is_asked_then() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    visit.browser.client().back().await?;
    visit.await_shown(&[false, true]).await?;
    receipt(&visit, "#left .receipt").await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_gone_has_no_receipt_and_the_page_says_so() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    visit.stream("ada").await?;
    // The page hears of the one no sooner than of the other.
    let script = "const { fetch } = window;
        window.fetch = (url, init) => String(url).includes('drawbridge.calls.v1')
          ? Promise.reject(new TypeError('gone')) : fetch(url, init)";
    visit.browser.read::<()>(script).await?;
    visit.press_button("ada").await?;
    visit.await_text("#streams .receipt", |words| words.contains("could not be asked")).await?;
    visit.server.kill();
    Ok(())
}
