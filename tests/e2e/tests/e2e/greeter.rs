//! The view *Greeter*: a unary call, and a server stream that belongs to the view.

use anyhow::Result;
use drawbridge_e2e::{Call, GREETINGS, Visit};

/// Makes the unary call, waits until it is in `state`, and returns the text.
async fn say_hello(visit: &Visit, name: &str, state: &str) -> Result<String> {
    visit.type_into("#name", name).await?;
    visit.browser.click("#say-hello").await?;
    let script = "const greeting = document.querySelector('#greeting'); return [greeting.dataset.state, greeting.textContent]";
    let seen: [String; 2] = visit
        .browser
        .await_value(&format!("a greeting that is {state}"), script, |[seen, _]: &[String; 2]| seen == state)
        .await?;
    let [_, text] = seen;
    Ok(text)
}

/// Starts the stream, and waits for two greetings.
async fn start_greetings(visit: &Visit, name: &str) -> Result<Call> {
    visit.type_into("#name", name).await?;
    visit.browser.click("#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    let script =
        "return [...document.querySelectorAll('#greetings li')].map((greeting) => greeting.textContent)";
    let greetings: Vec<String> = visit
        .browser
        .await_value("two greetings", script, |greetings: &Vec<String>| greetings.len() > 1)
        .await?;
    assert!(greetings.iter().all(|greeting| greeting.contains(name)), "{greetings:?}");
    Ok(call)
}

async fn await_greetings(visit: &Visit, state: &str) -> Result<()> {
    let script = "return document.querySelector('#greetings').dataset.state";
    visit
        .browser
        .await_value(&format!("a stream that is {state}"), script, |seen: &String| seen == state)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_known_name_is_greeted_by_its_display_name() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    let text = say_hello(&visit, "ada", "answered").await?;
    assert!(text.contains("Hello Ada Lovelace"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_name_is_greeted_as_it_is() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    let text = say_hello(&visit, "somebody else", "answered").await?;
    assert!(text.contains("Hello somebody else"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn a_greeting_from_a_server_that_is_down_fails_and_can_be_retried() -> Result<()> {
    let mut visit = Visit::start("/greeter").await?;
    visit.server.kill();
    let text = say_hello(&visit, "ada", "failed").await?;
    assert!(!text.is_empty());
    visit.server.restart().await?;
    let text = say_hello(&visit, "ada", "answered").await?;
    assert!(text.contains("Hello Ada Lovelace"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn the_stop_button_ends_the_stream() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    let call = start_greetings(&visit, "Somebody").await?;
    await_greetings(&visit, "streaming").await?;
    visit.browser.click("#stop-greetings").await?;
    await_greetings(&visit, "stopped").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn the_stream_ends_with_the_view() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    let call = start_greetings(&visit, "Somebody").await?;
    assert!(call.is_open());
    visit.follow("/streams").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.follow("/greeter").await?;
    await_greetings(&visit, "idle").await?;
    let text = visit.await_dropped_notice().await?;
    assert!(text.contains("the stream of greetings"), "{text:?}");
    Ok(())
}

#[tokio::test]
async fn the_stream_ends_with_the_page() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    let call = start_greetings(&visit, "Somebody").await?;
    visit.browser.goto(&visit.server.url_of_another_site("/")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.client().back().await?;
    visit.await_page_shows(&[false, true]).await?;
    await_greetings(&visit, "idle").await
}
