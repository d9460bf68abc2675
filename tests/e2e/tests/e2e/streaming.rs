//! The view *Streams*: opening and cancelling streams.

use anyhow::Result;
use drawbridge_e2e::{STREAM, Visit};
use serde_json::json;

fn messages_of(key: &str) -> Vec<String> {
    (1..=10).map(|n| format!("key: {key}, progress: {}", "+".repeat(n))).collect()
}

#[tokio::test]
async fn messages_arrive_one_by_one() -> Result<()> {
    let visit = Visit::start("/").await?;
    let call = visit.open_stream("ada").await?;
    assert!(call.is_open(), "the first message was shown only after the end of the call");

    let card = visit.await_state("ada", "completed").await?;
    assert_eq!(card.messages, messages_of("ada"));
    assert!((card.progress - 10.0).abs() < f64::EPSILON, "the bar is at {}", card.progress);
    let end = call.end().await?;
    assert_eq!((end.how.as_str(), end.code.as_str(), end.messages), ("completed", "OK", 10));

    let snapshots = visit.snapshots("ada").await?;
    let mut states: Vec<&str> = snapshots.iter().map(|snapshot| snapshot.state.as_str()).collect();
    states.dedup();
    assert_eq!(states, ["opening", "streaming", "completed"]);
    assert!(snapshots.is_sorted_by_key(|snapshot| snapshot.messages), "messages were removed: {snapshots:?}");
    // Each message should be shown before the server sends the next one. A busy machine may miss this a few times; a body
    // that is buffered on the way misses it each time.
    let mut in_time = 0;
    for (number, next) in (2..).zip(&card.messages[1..]) {
        let sent = visit.server.log().await_event(next, |event| event.message() == next).await?.at()?;
        let shown = snapshots.iter().find(|snapshot| snapshot.messages + 1 == number);
        in_time += usize::from(shown.is_some_and(|snapshot| snapshot.at() < sent));
    }
    assert!(
        in_time > 4,
        "only {in_time} of nine messages were shown before the next was sent: {snapshots:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_completed_stream_can_be_opened_again() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let first = visit.open_stream("ada").await?;
    visit.await_state("ada", "completed").await?;
    assert_eq!(first.end().await?.how, "completed");

    let second = visit.open_stream("ada").await?;
    let card = visit.await_card("ada", "of the new stream", |card| card.messages.len() < 10).await?;
    assert_eq!(card.state, "streaming");
    assert!(second.is_open());
    Ok(())
}

#[tokio::test]
async fn the_same_key_again_cancels_the_stream() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.enter_key("ada").await?;
    let card = visit.await_state("ada", "cancelled").await?;
    assert_eq!(call.end().await?.how, "client gone");
    assert_eq!(card.messages, messages_of("ada")[..card.messages.len()], "the messages are still shown");
    assert_eq!(card.failure, None, "a cancelled stream has not failed");
    Ok(())
}

#[tokio::test]
async fn the_same_key_again_cancels_a_stream_that_is_still_opening() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    // The browser holds back the response, so the page does not know that the server is streaming.
    let pattern = json!({ "urlPattern": format!("*{STREAM}"), "requestStage": "Response" });
    visit.browser.devtools("Fetch.enable", json!({ "patterns": [pattern] })).await?;
    visit.enter_key("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    visit.await_state("ada", "opening").await?;

    visit.enter_key("ada").await?;
    visit.await_state("ada", "cancelled").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn the_button_cancels_and_opens_again() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let first = visit.open_stream("ada").await?;
    visit.click_button("ada").await?;
    let card = visit.await_state("ada", "cancelled").await?;
    assert_eq!(card.action.as_deref(), Some("open"));
    assert_eq!(first.end().await?.how, "client gone");

    visit.click_button("ada").await?;
    let second = visit.server.next_call(STREAM).await?;
    let card = visit.await_state("ada", "streaming").await?;
    assert_eq!(card.action.as_deref(), Some("cancel"));
    assert!(second.is_open());
    Ok(())
}

#[tokio::test]
async fn one_of_three_open_streams_is_cancelled() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let ada = visit.open_stream("ada").await?;
    let grace = visit.open_stream("grace").await?;
    let linus = visit.open_stream("linus").await?;
    visit
        .await_open_keys("three open keys", |keys| {
            ["ada", "grace", "linus"].iter().all(|key| keys.contains(key))
        })
        .await?;
    assert_eq!(visit.server.log().open_calls(), 3);

    visit.enter_key("grace").await?;
    assert_eq!(grace.end().await?.how, "client gone");
    visit.await_open_keys("the other two", |keys| !keys.contains("grace")).await?;
    assert_eq!(visit.server.log().open_calls(), 2, "the other two go on");

    for (key, call) in [("ada", ada), ("linus", linus)] {
        assert_eq!(visit.await_state(key, "completed").await?.messages, messages_of(key));
        assert_eq!(call.end().await?.how, "completed");
    }
    visit.await_open_keys("no open key", |keys| !keys.contains("ada") && !keys.contains("linus")).await?;
    let card = visit.await_state("grace", "cancelled").await?;
    assert!(card.messages.len() < 10, "messages arrived after the cancellation");
    Ok(())
}

#[tokio::test]
async fn over_http_1_a_seventh_stream_waits_and_the_page_says_so() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let keys = ["one", "two", "three", "four", "five", "six"];
    for key in keys {
        visit.enter_key(key).await?;
        visit.server.next_call(STREAM).await?;
    }
    visit.enter_key("seven").await?;
    let script = "return document.querySelector('.note')?.textContent ?? ''";
    visit.browser.await_value("a note on why", script, |text: &String| text.contains("HTTP/1.1")).await?;
    visit.await_state("seven", "opening").await?;
    assert_eq!(visit.server.log().open_calls(), 6);

    visit.enter_key("one").await?;
    let seventh = visit.server.next_call(STREAM).await?;
    visit.await_state("seven", "streaming").await?;
    assert!(seventh.is_open());
    Ok(())
}

#[tokio::test]
async fn over_http_2_no_stream_waits_for_a_connection() -> Result<()> {
    let visit = Visit::start_with_tls("/streams").await?;
    let keys: Vec<String> = (0..20).map(|number| format!("stream {number}")).collect();
    let mut calls = Vec::new();
    for key in &keys {
        visit.enter_key(key).await?;
        calls.push(visit.server.next_call(STREAM).await?);
    }
    assert!(visit.browser.read::<bool>("return document.querySelector('.note') === null").await?);
    visit.follow("/greeter").await?;
    let mut gone = 0;
    for call in calls {
        gone += usize::from(call.end().await?.how == "client gone");
    }
    // On a busy machine, the first streams may complete before the last ones open.
    assert!(gone > 6, "only {gone} streams were open at once");
    Ok(())
}

#[tokio::test]
async fn a_key_is_shown_as_typed() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    for key in ["two words", "<b>bold</b> & \"quoted\"", "ключ ☂"] {
        visit.open_stream(key).await?;
        let card = visit.await_state(key, "streaming").await?;
        assert_eq!(card.messages[0], format!("key: {key}, progress: +"));
    }
    Ok(())
}

#[tokio::test]
async fn cancelling_logs_no_error_in_the_console() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let first = visit.open_stream("ada").await?;
    visit.enter_key("ada").await?;
    first.end().await?;
    let second = visit.open_stream("grace").await?;
    visit.follow("/greeter").await?;
    second.end().await?;
    assert_eq!(visit.console_errors().await?, Vec::<String>::new());
    Ok(())
}
