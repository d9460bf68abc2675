//! The view *Calls*: open calls, ended calls, and the cancel button.

use anyhow::Result;
use drawbridge_e2e::{Caller, FRONTEND, GREETING, GREETINGS, Visit};
use fantoccini::key::Key;
use serde::Deserialize;

use crate::keyboard::tab_to;

/// A row of the list.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    method: String,
    depth: String,
    open: String,
    messages: String,
    activities: String,
    end: String,
}

/// Waits until the rows match, and returns them.
async fn await_rows(visit: &Visit, what: &str, matches: impl Fn(&[Row]) -> bool) -> Result<Vec<Row>> {
    let script = "return [...document.querySelectorAll('#calls tbody tr')].map((row) => ({
        method: row.querySelector('th').firstChild.textContent,
        depth: row.dataset.depth,
        open: row.dataset.open,
        messages: row.querySelector('[data-head=Messages]').textContent,
        activities: row.querySelector('.activities').textContent,
        end: row.querySelector('.end').textContent,
      }))";
    visit.browser.await_value(what, script, |rows: &Vec<Row>| matches(rows)).await
}

#[tokio::test]
async fn the_list_shows_an_open_stream_and_how_it_ends() -> Result<()> {
    let visit = Visit::start("/calls").await?;
    let caller = Caller::greetings(&visit.server, "ada").await?;
    let open = await_rows(
        &visit,
        "an open stream with messages",
        |rows| matches!(rows, [row] if row.open == "true" && row.messages != "0"),
    );
    let row = open.await?.remove(0);
    assert_eq!((row.method.as_str(), row.depth.as_str()), ("Greeter/SayHellos", "0"));
    assert!(row.activities.contains("handler running"), "{row:?}");
    visit.await_text("#calls-title", |text| text == "1 open").await?;
    drop(caller);
    let gone = |row: &Row| row.open == "false" && row.end.contains("client gone");
    let rows = await_rows(
        &visit,
        "its end",
        |rows| matches!(rows, [row] if gone(row) && row.activities.contains("stopped")),
    );
    assert!(rows.await?[0].activities.contains("handler stopped after"));
    visit.await_text("#calls-title", |text| text == "0 open").await?;
    Ok(())
}

#[tokio::test]
async fn an_operator_cancels_a_call_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/calls").await?;
    let mut caller = Caller::greetings(&visit.server, "ada").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    await_rows(&visit, "an open stream", |rows| rows.len() == 1).await?;
    // The list keeps changing, and the focus stays.
    tab_to(&visit, "#calls .end button").await?;
    await_rows(&visit, "two more messages", |rows| {
        rows[0].messages.parse::<u32>().is_ok_and(|messages| messages >= 2)
    })
    .await?;
    assert!(visit.browser.read::<bool>("return document.activeElement.matches('#calls .end button')").await?);
    visit.browser.press(Key::Enter).await?;
    await_rows(&visit, "the end of the stream", |rows| {
        rows[0]
            .end
            .contains("cancelled by an operator, CANCELLED: cancelled by an operator on the Calls page")
    })
    .await?;
    visit.await_text("#cancel-result", |text| text == "Greeter/SayHellos was cancelled.").await?;
    assert_eq!(call.end().await?.how, "cancelled by an operator");
    let response = caller.read_until("operator").await?;
    assert!(response.contains("grpc-status:1"), "{response:?}");
    Ok(())
}

#[tokio::test]
async fn a_child_call_is_shown_below_its_parent() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.type_into("#lookup", "0").await?;
    visit.type_into("#deadline", "").await?;
    visit.browser.click("#call").await?;
    visit.server.next_call(FRONTEND).await?.end().await?;
    visit.follow("/calls").await?;
    let rows = await_rows(&visit, "parent and child", |rows| rows.len() == 2).await?;
    let place = |row: &Row| (row.method.clone(), row.depth.clone());
    assert_eq!(place(&rows[0]), ("FrontendService/GetUser".to_owned(), "0".to_owned()));
    assert_eq!(place(&rows[1]), ("UserService/GetUser".to_owned(), "1".to_owned()));
    assert!(rows[0].activities.contains("child call UserService/GetUser stopped after"), "{rows:?}");
    assert!(rows[1].activities.contains("query stopped after"), "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn the_list_keeps_open_calls_and_the_last_hundred_ended_ones() -> Result<()> {
    let visit = Visit::start("/calls").await?;
    let open = Caller::greetings(&visit.server, "ada").await?;
    await_rows(&visit, "an open stream", |rows| rows.len() == 1).await?;
    for _ in 0..300 {
        let mut caller = Caller::call(&visit.server, GREETING, b"\x0a\x03ada").await?;
        caller.read_until("grpc-status:0").await?;
    }
    let all = |rows: &[Row]| {
        rows.len() == 101 && rows[0].open == "true" && rows[1..].iter().all(|row| row.end == "completed, OK")
    };
    await_rows(&visit, "the open call and the last hundred ended calls", all).await?;
    drop(open);
    assert_eq!(visit.console_errors().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_list_whose_server_is_killed_stands_still_and_goes_on_with_the_next_server() -> Result<()> {
    let mut visit = Visit::start("/calls").await?;
    visit.await_text(".calls .state", |text| text == "live").await?;
    let caller = Caller::greetings(&visit.server, "ada").await?;
    await_rows(&visit, "an open stream", |rows| rows.len() == 1).await?;
    visit.server.kill();
    drop(caller);
    visit.await_text(".calls .state", |text| text == "reconnecting").await?;
    visit.await_text("#calls-title", |text| text.contains("1 open, unknown since ")).await?;
    let duration = "return document.querySelector('#calls [data-head=Duration]').textContent";
    let stopped: String = visit.browser.read(duration).await?;
    // The third backoff is the first that is longer than a second.
    visit.await_text(".connection .next-call", |text| text == "Connects again in 2 s.").await?;
    assert_eq!(visit.browser.read::<String>(duration).await?, stopped, "the times stop at the break");
    let disabled = "return document.querySelector('#calls button').getAttribute('aria-disabled')";
    assert_eq!(visit.browser.read::<String>(disabled).await?, "true", "an unknown call cannot be cancelled");
    visit.server.restart().await?;
    visit.await_text(".connection", |text| text.contains("The connection was lost at ")).await?;
    visit.await_text(".calls .state", |text| text == "live").await?;
    let _caller = Caller::greetings(&visit.server, "ada").await?;
    await_rows(&visit, "a stream on the restarted server", |rows| rows.len() == 1).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_without_the_calls_service_is_explained() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    // The response of a server that does not host the service.
    let script = "const { fetch } = window;
        window.fetch = (url, init) => String(url).includes('drawbridge.calls.v1')
          ? Promise.resolve(new Response('', { headers: { 'content-type': 'application/grpc-web', 'grpc-status': '12' } }))
          : fetch(url, init)";
    visit.browser.read::<()>(script).await?;
    visit.follow("/calls").await?;
    visit.await_text(".warning", |text| text.contains("does not show its calls")).await?;
    Ok(())
}
