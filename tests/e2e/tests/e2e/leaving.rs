//! Each way to leave the page drops the handler on the server.

use anyhow::Result;
use drawbridge_e2e::{BackForwardCache, Call, Visit};

/// Checks that leaving ended the call, and that the view says so on return.
async fn assert_dropped(visit: &Visit, call: &Call, key: &str) -> Result<()> {
    let end = call.end().await?;
    assert_eq!(end.how, "client gone");
    assert!(end.messages < 10, "the stream ended before it was left");
    let text = visit.await_dropped_notice().await?;
    assert!(text.contains(key), "{text:?} does not name the stream {key:?}");
    assert_fresh(visit).await
}

/// Checks that the view has no cards, and opens a stream.
async fn assert_fresh(visit: &Visit) -> Result<()> {
    let cards: usize = visit.browser.read("return document.querySelectorAll('#streams > li').length").await?;
    assert_eq!(cards, 0, "a new view has no cards");
    let call = visit.open_stream("new").await?;
    assert!(call.is_open());
    Ok(())
}

#[tokio::test]
async fn following_a_link_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.follow("/greeter").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.follow("/streams").await?;
    assert_dropped(&visit, &call, "ada").await
}

#[tokio::test]
async fn going_back_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.follow("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.browser.client().back().await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().forward().await?;
    assert_dropped(&visit, &call, "ada").await
}

#[tokio::test]
async fn reloading_drops_the_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.browser.client().refresh().await?;
    assert_dropped(&visit, &call, "ada").await
}

#[tokio::test]
async fn entering_the_back_forward_cache_drops_the_stream() -> Result<()> {
    let visit = Visit::start_with(BackForwardCache::On, "/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().back().await?;
    visit.await_page_shows(&[false, true]).await?;
    assert_dropped(&visit, &call, "ada").await
}

#[tokio::test]
async fn leaving_for_another_site_drops_the_stream() -> Result<()> {
    let visit = Visit::start_with(BackForwardCache::Off, "/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().back().await?;
    visit.await_page_shows(&[false]).await?;
    assert_dropped(&visit, &call, "ada").await
}

#[tokio::test]
async fn closing_a_tab_drops_only_its_own_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let stays = visit.open_stream("ada").await?;
    let client = visit.browser.client();
    let first = client.window().await?;
    client.switch_to_window(client.new_window(true).await?.handle).await?;
    visit.open("/streams").await?;
    let goes = visit.open_stream("grace").await?;

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
        calls.push(visit.open_stream(key).await?);
    }
    visit.follow("/greeter").await?;
    for call in calls {
        assert_eq!(call.end().await?.how, "client gone");
    }
    visit.follow("/streams").await?;
    let text = visit.await_dropped_notice().await?;
    assert!(keys.iter().all(|key| text.contains(key)), "{text:?} does not name all of {keys:?}");
    Ok(())
}

#[tokio::test]
async fn a_button_opens_the_dropped_streams_again() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let keys = ["ada", "grace"];
    for key in keys {
        visit.open_stream(key).await?;
    }
    visit.browser.client().refresh().await?;
    visit.browser.click("#dropped button").await?;
    for key in keys {
        visit.await_card(key, "with a first message", |card| !card.messages.is_empty()).await?;
    }
    let shown: bool = visit.browser.read("return document.querySelector('#dropped') !== null").await?;
    assert!(!shown, "the notice goes when its streams are open again");
    Ok(())
}

#[tokio::test]
async fn a_view_without_open_streams_shows_no_notice_on_return() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.enter_key("ada").await?;
    call.end().await?;
    visit.follow("/greeter").await?;
    visit.follow("/streams").await?;
    let script = "return document.querySelector('#key') && [document.querySelector('#dropped') !== null]";
    let [shown]: [bool; 1] = visit.browser.await_value("the view Streams", script, |_| true).await?;
    assert!(!shown, "nothing was dropped");
    assert_fresh(&visit).await
}
