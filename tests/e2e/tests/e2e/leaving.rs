//! The heart of it: by whatever way the page is left, the server's handler is dropped.

use anyhow::Result;
use drawbridge_e2e::{BackForwardCache, Call, Visit};

/// Checks that leaving ended the call, and that the page tells so to the one who comes back.
async fn assert_dropped_and_told(visit: &Visit, call: &Call, key: &str) -> Result<()> {
    let end = call.end().await?;
    assert_eq!(end.how, "client gone");
    assert!(end.messages < 10, "it was left in mid-stream, and not at its end");
    let words = visit.await_left().await?;
    assert!(words.contains(key), "{words:?} does not name the stream {key:?}");
    assert_fresh(visit).await
}

/// Checks that the view has no stream left over, and opens new ones.
async fn assert_fresh(visit: &Visit) -> Result<()> {
    let cards: usize = visit.browser.read("return document.querySelectorAll('#streams > li').length").await?;
    assert_eq!(cards, 0, "a fresh view has no cards");
    let call = visit.stream("new").await?;
    assert!(call.is_open());
    Ok(())
}

#[tokio::test]
async fn following_a_link_to_another_view_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.stream("ada").await?;
    visit.follow("/greeter").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.follow("/streams").await?;
    assert_dropped_and_told(&visit, &call, "ada").await
}

#[tokio::test]
async fn going_back_to_another_view_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.follow("/streams").await?;
    let call = visit.stream("ada").await?;
    visit.browser.client().back().await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().forward().await?;
    assert_dropped_and_told(&visit, &call, "ada").await
}

#[tokio::test]
async fn reloading_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.stream("ada").await?;
    visit.browser.client().refresh().await?;
    assert_dropped_and_told(&visit, &call, "ada").await
}

#[tokio::test]
async fn entering_the_back_forward_cache_drops_the_stream() -> Result<()> {
    let visit = Visit::start_with(BackForwardCache::On, "/streams").await?;
    let call = visit.stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().back().await?;
    visit.await_shown(&[false, true]).await?;
    assert_dropped_and_told(&visit, &call, "ada").await
}

#[tokio::test]
async fn leaving_for_another_site_without_that_cache_drops_the_stream() -> Result<()> {
    let visit = Visit::start_with(BackForwardCache::Off, "/streams").await?;
    let call = visit.stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().back().await?;
    visit.await_shown(&[false]).await?;
    assert_dropped_and_told(&visit, &call, "ada").await
}

#[tokio::test]
async fn closing_the_tab_drops_its_stream_and_no_other() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let stays = visit.stream("ada").await?;
    let client = visit.browser.client();
    let first = client.window().await?;
    client.switch_to_window(client.new_window(true).await?.handle).await?;
    visit.open("/streams").await?;
    let goes = visit.stream("grace").await?;

    client.close_window().await?;
    assert_eq!(goes.end().await?.how, "client gone");
    client.switch_to_window(first).await?;
    visit.await_state("ada", "completed").await?;
    assert_eq!(stays.end().await?.how, "completed");
    Ok(())
}

#[tokio::test]
async fn leaving_drops_every_stream_of_the_view() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let keys = ["ada", "grace", "linus"];
    let mut calls = Vec::new();
    for key in keys {
        calls.push(visit.stream(key).await?);
    }
    visit.follow("/greeter").await?;
    for call in calls {
        assert_eq!(call.end().await?.how, "client gone");
    }
    visit.follow("/streams").await?;
    let words = visit.await_left().await?;
    assert!(keys.iter().all(|key| words.contains(key)), "{words:?} does not name all of {keys:?}");
    Ok(())
}

#[tokio::test]
async fn dropped_streams_are_opened_again_at_a_press() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let keys = ["ada", "grace"];
    for key in keys {
        visit.stream(key).await?;
    }
    visit.browser.client().refresh().await?;
    visit.browser.click("#left button").await?;
    for key in keys {
        visit.await_card(key, "with a first message", |card| !card.messages.is_empty()).await?;
    }
    let left: bool = visit.browser.read("return document.querySelector('#left') !== null").await?;
    assert!(!left, "what was taken up again is not told any more");
    Ok(())
}

#[tokio::test]
async fn who_left_nothing_running_is_told_nothing() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.stream("ada").await?;
    visit.enter("ada").await?;
    call.end().await?;
    visit.follow("/greeter").await?;
    visit.follow("/streams").await?;
    let script = "return document.querySelector('#key') && [document.querySelector('#left') !== null]";
    let [told]: [bool; 1] = visit.browser.await_value("the view of streams", script, |_| true).await?;
    assert!(!told, "nothing was dropped by leaving");
    assert_fresh(&visit).await
}
