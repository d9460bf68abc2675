//! The page against `examples/tonic-web`: services behind tonic-web, with the CALL layer under it and no console.

use anyhow::Result;
use drawbridge_e2e::{GREETINGS, Server, Visit};

async fn visit(path: &str) -> Result<Visit> {
    Visit::of(Server::start_tonic_web().await?, path).await
}

#[tokio::test]
async fn streams_show_progress_and_leaving_the_view_ends_them_on_the_server() -> Result<()> {
    let visit = visit("/streams").await?;
    let call = visit.open_stream("ada").await?;
    assert!(call.is_open(), "the first message was shown only when the call had ended");
    visit.follow("/greeter").await?;
    let end = call.end().await?;
    assert_eq!((end.how.as_str(), end.code.as_str()), ("client gone", "CANCELLED"));
    assert!((1..10).contains(&end.messages), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_not_left_is_complete() -> Result<()> {
    let visit = visit("/streams").await?;
    let call = visit.open_stream("ada").await?;
    let card = visit.await_state("ada", "completed").await?;
    assert_eq!(card.messages.len(), 10, "{card:?}");
    let end = call.end().await?;
    assert_eq!((end.how.as_str(), end.messages), ("completed", 10));
    Ok(())
}

#[tokio::test]
async fn leaving_the_page_ends_a_stream_on_the_server() -> Result<()> {
    let visit = visit("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.browser.goto("about:blank").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn the_receipt_of_a_cancelled_stream_says_that_there_is_no_console() -> Result<()> {
    let visit = visit("/streams").await?;
    let call = visit.open_stream("ada").await?;
    visit.click_button("ada").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit
        .await_text("#streams .receipt", |text| text.contains("This server does not show its calls"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_greeter_greets_once_and_until_its_view_is_left() -> Result<()> {
    let visit = visit("/greeter").await?;
    visit.type_into("#name", "Grace").await?;
    visit.browser.click("#say-hello").await?;
    visit.await_text("#greeting", |text| text.contains("Hello Grace")).await?;

    visit.browser.click("#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    visit.await_text("#greetings li", |text| text.contains("Hello Grace")).await?;
    visit.follow("/streams").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}
