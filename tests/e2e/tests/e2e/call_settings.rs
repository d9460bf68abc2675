//! The settings of a call: deadline and metadata.

use std::time::Duration;

use anyhow::Result;
use drawbridge_e2e::{GREETING, STREAM, Visit};
use fantoccini::key::Key;

const COUNTDOWN: &str = "#streams .countdown";
const TIMING: &str = "#streams .timing p";

/// Returns the text of the deadline field.
async fn deadline(visit: &Visit) -> Result<String> {
    visit.browser.read("return document.querySelector('#deadline').value").await
}

#[tokio::test]
async fn a_deadline_ends_a_stream_and_is_named() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "2.5").await?;
    visit.enter_key("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    assert!(
        call.granted().is_some_and(|granted| granted <= Duration::from_millis(2_500)),
        "the server got no timeout"
    );
    visit.await_text(COUNTDOWN, |text| text.ends_with(" s left")).await?;

    let card = visit.await_state("ada", "failed").await?;
    assert!((1..10).contains(&card.messages.len()), "{card:?}");
    let failure = card.failure.unwrap_or_default();
    assert!(failure.contains("DEADLINE_EXCEEDED"), "{failure:?}");
    visit.await_text(TIMING, |text| text.starts_with("Deadline exceeded after 2.")).await?;
    visit.await_text(COUNTDOWN, str::is_empty).await?;
    // Page and server enforce the same deadline by their own clocks, so either may be first.
    let end = call.end().await?;
    assert!(["deadline exceeded", "client gone"].contains(&end.how.as_str()), "{end:?}");
    assert_eq!(visit.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_page_enforces_a_deadline_that_the_server_does_not_know() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    // Removes the header, as an old proxy might.
    visit
        .browser
        .read::<()>(
            "const { fetch } = window;
             window.fetch = (url, init) => (init.headers.delete('grpc-timeout'), fetch(url, init))",
        )
        .await?;
    visit.type_into("#deadline", "1.5").await?;
    visit.enter_key("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    assert_eq!(call.granted(), None, "the server got no timeout");
    let failure = visit.await_state("ada", "failed").await?.failure.unwrap_or_default();
    assert!(failure.contains("DEADLINE_EXCEEDED") && failure.contains("this page"), "{failure:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn an_end_before_the_deadline_has_its_own_label() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".presets [data-seconds='30']").await?;
    visit.open_stream("ada").await?;
    visit.click_button("ada").await?;
    visit.await_state("ada", "cancelled").await?;
    visit.await_text(TIMING, |text| text.starts_with("Cancelled after")).await?;
    visit.click_button("ada").await?;
    visit.await_state("ada", "completed").await?;
    visit.await_text(TIMING, |text| text.starts_with("Completed after")).await?;
    Ok(())
}

#[tokio::test]
async fn a_preset_fills_in_the_deadline() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".presets [data-seconds='5']").await?;
    assert_eq!(deadline(&visit).await?, "5");
    let pressed = "return [...document.querySelectorAll('.presets [aria-pressed=true]')].map((one) => one.dataset.seconds)";
    assert_eq!(visit.browser.read::<Vec<String>>(pressed).await?, ["5"]);
    visit.open_stream("ada").await?;
    visit.browser.click(".presets [data-seconds='']").await?;
    assert_eq!(deadline(&visit).await?, "");
    visit.open_stream("grace").await?;

    let timeouts: Vec<bool> =
        visit.requests().await?.iter().map(|request| request.headers.contains_key("grpc-timeout")).collect();
    assert_eq!(timeouts, [true, false], "without a deadline, no timeout is sent");
    Ok(())
}

#[tokio::test]
async fn a_deadline_that_is_not_a_number_is_rejected_and_nothing_is_sent() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "soon").await?;
    visit.enter_key("ada").await?;
    visit.await_text("#deadline-problem", |text| text.contains("soon")).await?;
    let script = "return [document.activeElement.id, document.querySelectorAll('#streams > li').length]";
    let (focused, cards): (String, usize) = visit.browser.read(script).await?;
    assert_eq!((focused.as_str(), cards), ("deadline", 0), "the field with the error has the focus");

    visit.type_into("#deadline", "9").await?;
    visit.await_text("#deadline-problem", str::is_empty).await?;
    visit.open_stream("grace").await?;
    assert_eq!(visit.requests().await?.len(), 1, "only the valid call was sent");
    Ok(())
}

#[tokio::test]
async fn a_greeting_that_takes_too_long_fails() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click(".presets [data-seconds='1']").await?;
    visit.type_into("#name", &("slow".to_owned() + &Key::Enter)).await?;
    let call = visit.server.next_call(GREETING).await?;
    assert!(call.granted().is_some_and(|granted| granted <= Duration::from_secs(1)));
    visit.await_text("#greeting", |text| text.contains("DEADLINE_EXCEEDED")).await?;
    let end = call.end().await?;
    assert!(["deadline exceeded", "client gone"].contains(&end.how.as_str()), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn metadata_is_sent_with_each_call_of_each_view() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "Authorization: Bearer a:b\nx-tag: one\nx-tag: two").await?;
    visit.await_text(".metadata summary", |text| text.ends_with("(3)")).await?;
    visit.open_stream("ada").await?;
    visit.open_stream("grace").await?;
    visit.follow("/greeter").await?;
    visit.browser.click("#say-hello").await?;
    visit.await_text("#greeting", |text| text.contains("Ada Lovelace")).await?;

    // The page's own calls to the calls service carry no metadata.
    let (own, sent): (Vec<_>, Vec<_>) =
        visit.requests().await?.into_iter().partition(|sent| sent.path.starts_with("/drawbridge.calls"));
    assert!(own.iter().all(|sent| !sent.headers.contains_key("authorization")));
    assert_eq!(sent.iter().map(|sent| sent.path.as_str()).collect::<Vec<_>>(), [STREAM, STREAM, GREETING]);
    for sent in sent {
        assert_eq!(sent.headers["authorization"], "Bearer a:b", "{}", sent.path);
        assert_eq!(sent.headers["x-tag"], "one, two", "{}", sent.path);
    }
    Ok(())
}

#[tokio::test]
async fn metadata_does_not_survive_a_reload() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "authorization: Bearer secret").await?;
    visit.await_text(".metadata summary", |text| text.ends_with("(1)")).await?;
    visit.browser.client().refresh().await?;
    visit.open_stream("ada").await?;
    let script = "return [document.querySelector('#metadata').value, JSON.stringify({ ...sessionStorage, ...localStorage })]";
    let [field, stored]: [String; 2] = visit.browser.read(script).await?;
    assert_eq!(field, "");
    assert!(!stored.contains("secret"), "{stored}");
    assert!(!visit.requests().await?[0].headers.contains_key("authorization"));
    Ok(())
}

#[tokio::test]
async fn malformed_metadata_is_rejected_and_its_field_gets_the_focus() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "x-tag: one\nnonsense").await?;
    visit.await_text("#metadata-problem", |text| text.contains("Line 2")).await?;
    visit.browser.click(".metadata summary").await?;
    visit.enter_key("ada").await?;
    // The field was closed, and opens.
    let script =
        "return document.activeElement.id === 'metadata' && document.activeElement.checkVisibility()";
    visit.browser.await_value("the field with the error", script, |found| *found).await?;
    assert_eq!(visit.requests().await?, []);
    Ok(())
}

#[tokio::test]
async fn the_layout_is_stable_during_and_after_a_countdown() -> Result<()> {
    const BOXES: &str = ".call-settings, .call-settings *, #streams > li, #streams > li > *, #streams button, #streams .countdown-bar";
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "2.5").await?;
    visit.enter_key("ada").await?;
    visit.await_text(COUNTDOWN, |text| text.ends_with(" s left")).await?;
    let before = visit.layout(BOXES).await?;
    visit.await_card("ada", "with a first message", |card| !card.messages.is_empty()).await?;
    assert_eq!(visit.layout(BOXES).await?, before);
    visit.await_state("ada", "failed").await?;
    assert_eq!(visit.layout(BOXES).await?, before);
    Ok(())
}
