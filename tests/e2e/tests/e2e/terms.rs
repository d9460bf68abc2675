//! What a visitor grants a call, and what is sent with it.

use std::time::Duration;

use anyhow::Result;
use drawbridge_e2e::{GREETING, STREAM, Visit};
use fantoccini::key::Key;

const COUNTDOWN: &str = "#streams .countdown";
const TIMING: &str = "#streams .timing p";

/// Returns what the field for the deadline holds.
async fn deadline(visit: &Visit) -> Result<String> {
    visit.browser.read("return document.querySelector('#deadline').value").await
}

#[tokio::test]
async fn a_deadline_ends_a_stream_and_says_so() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "2.5").await?;
    visit.enter("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    assert!(
        call.granted().is_some_and(|granted| granted <= Duration::from_millis(2_500)),
        "the server was not told"
    );
    visit.await_text(COUNTDOWN, |words| words.ends_with(" s left")).await?;

    let card = visit.await_state("ada", "failed").await?;
    assert!((1..10).contains(&card.messages.len()), "{card:?}");
    let reason = card.reason.unwrap_or_default();
    assert!(reason.contains("DEADLINE_EXCEEDED"), "{reason:?}");
    visit.await_text(TIMING, |words| words.starts_with("A deadline ended it after 2.")).await?;
    visit.await_text(COUNTDOWN, str::is_empty).await?;
    // Page and server keep the same deadline, each by its own clock; either may be first.
    let end = call.end().await?;
    assert!(["deadline exceeded", "client gone"].contains(&end.how.as_str()), "{end:?}");
    assert_eq!(visit.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_deadline_counts_although_the_server_never_hears_of_it() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    // Takes the one header away on its way out, as an old proxy might.
    visit
        .browser
        .read::<()>(
            "const { fetch } = window;
             window.fetch = (url, init) => (init.headers.delete('grpc-timeout'), fetch(url, init))",
        )
        .await?;
    visit.type_into("#deadline", "1.5").await?;
    visit.enter("ada").await?;
    let call = visit.server.next_call(STREAM).await?;
    assert_eq!(call.granted(), None, "the server does not know");
    let reason = visit.await_state("ada", "failed").await?.reason.unwrap_or_default();
    assert!(reason.contains("DEADLINE_EXCEEDED") && reason.contains("this page"), "{reason:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn an_end_before_the_deadline_is_told_by_what_it_was() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".presets [data-seconds='30']").await?;
    visit.stream("ada").await?;
    visit.press_button("ada").await?;
    visit.await_state("ada", "cancelled").await?;
    visit.await_text(TIMING, |words| words.starts_with("You cancelled it after")).await?;
    visit.press_button("ada").await?;
    visit.await_state("ada", "completed").await?;
    visit.await_text(TIMING, |words| words.starts_with("The server ended it after")).await?;
    Ok(())
}

#[tokio::test]
async fn presets_write_the_deadline() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".presets [data-seconds='5']").await?;
    assert_eq!(deadline(&visit).await?, "5");
    let pressed = "return [...document.querySelectorAll('.presets [aria-pressed=true]')].map((one) => one.dataset.seconds)";
    assert_eq!(visit.browser.read::<Vec<String>>(pressed).await?, ["5"]);
    visit.stream("ada").await?;
    visit.browser.click(".presets [data-seconds='']").await?;
    assert_eq!(deadline(&visit).await?, "");
    visit.stream("grace").await?;

    let timeouts: Vec<bool> =
        visit.sent().await?.iter().map(|sent| sent.headers.contains_key("grpc-timeout")).collect();
    assert_eq!(timeouts, [true, false], "no deadline is none on the wire too");
    Ok(())
}

#[tokio::test]
async fn a_deadline_that_is_no_number_is_refused_and_nothing_is_sent() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "soon").await?;
    visit.enter("ada").await?;
    visit.await_text("#deadline-problem", |words| words.contains("soon")).await?;
    let script = "return [document.activeElement.id, document.querySelectorAll('#streams > li').length]";
    let (focused, cards): (String, usize) = visit.browser.read(script).await?;
    assert_eq!((focused.as_str(), cards), ("deadline", 0), "the visitor is where the mistake is");

    visit.type_into("#deadline", "9").await?;
    visit.await_text("#deadline-problem", str::is_empty).await?;
    visit.stream("grace").await?;
    assert_eq!(visit.sent().await?.len(), 1, "only what was understood was sent");
    Ok(())
}

#[tokio::test]
async fn a_greeting_that_takes_too_long_says_so() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    visit.browser.click(".presets [data-seconds='1']").await?;
    visit.type_into("#name", &("slow".to_owned() + &Key::Enter)).await?;
    let call = visit.server.next_call(GREETING).await?;
    assert!(call.granted().is_some_and(|granted| granted <= Duration::from_secs(1)));
    visit.await_text("#hello", |words| words.contains("DEADLINE_EXCEEDED")).await?;
    let end = call.end().await?;
    assert!(["deadline exceeded", "client gone"].contains(&end.how.as_str()), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn metadata_is_sent_with_each_call_of_each_view() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "Authorization: Bearer a:b\nx-tag: one\nx-tag: two").await?;
    visit.await_text(".metadata summary", |words| words.ends_with("(3)")).await?;
    visit.stream("ada").await?;
    visit.stream("grace").await?;
    visit.follow("/greeter").await?;
    visit.browser.click("#say-hello").await?;
    visit.await_text("#hello", |words| words.contains("Ada Lovelace")).await?;

    // What the page asks about the calls that it left carries none of it.
    let (asked, sent): (Vec<_>, Vec<_>) =
        visit.sent().await?.into_iter().partition(|sent| sent.path.starts_with("/drawbridge.calls"));
    assert!(asked.iter().all(|sent| !sent.headers.contains_key("authorization")));
    assert_eq!(sent.iter().map(|sent| sent.path.as_str()).collect::<Vec<_>>(), [STREAM, STREAM, GREETING]);
    for sent in sent {
        assert_eq!(sent.headers["authorization"], "Bearer a:b", "{}", sent.path);
        assert_eq!(sent.headers["x-tag"], "one, two", "{}", sent.path);
    }
    Ok(())
}

#[tokio::test]
async fn metadata_is_forgotten_with_the_page() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "authorization: Bearer secret").await?;
    visit.await_text(".metadata summary", |words| words.ends_with("(1)")).await?;
    visit.browser.client().refresh().await?;
    visit.stream("ada").await?;
    let script = "return [document.querySelector('#metadata').value, JSON.stringify({ ...sessionStorage, ...localStorage })]";
    let [field, stored]: [String; 2] = visit.browser.read(script).await?;
    assert_eq!(field, "");
    assert!(!stored.contains("secret"), "{stored}");
    assert!(!visit.sent().await?[0].headers.contains_key("authorization"));
    Ok(())
}

#[tokio::test]
async fn metadata_that_cannot_be_sent_is_refused_where_it_stands() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.click(".metadata summary").await?;
    visit.type_into("#metadata", "x-tag: one\nnonsense").await?;
    visit.await_text("#metadata-problem", |words| words.contains("Line 2")).await?;
    visit.browser.click(".metadata summary").await?;
    visit.enter("ada").await?;
    // The fold was closed over the mistake, and opens.
    let script =
        "return document.activeElement.id === 'metadata' && document.activeElement.checkVisibility()";
    visit.browser.await_value("the field of the mistake", script, |found| *found).await?;
    assert_eq!(visit.sent().await?, []);
    Ok(())
}

#[tokio::test]
async fn nothing_moves_while_a_countdown_runs_and_when_it_is_over() -> Result<()> {
    const BOXES: &str = ".terms, .terms *, #streams > li, #streams > li > *, #streams button, #streams .fuse";
    let visit = Visit::start("/streams").await?;
    visit.type_into("#deadline", "2.5").await?;
    visit.enter("ada").await?;
    visit.await_text(COUNTDOWN, |words| words.ends_with(" s left")).await?;
    let at_first = visit.places(BOXES).await?;
    visit.await_card("ada", "with a first message", |card| !card.messages.is_empty()).await?;
    assert_eq!(visit.places(BOXES).await?, at_first);
    visit.await_state("ada", "failed").await?;
    assert_eq!(visit.places(BOXES).await?, at_first);
    Ok(())
}
