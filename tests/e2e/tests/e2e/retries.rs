//! Calls that are tried again, and the drawing of what happened to them.

use anyhow::Result;
use drawbridge_calls_proto::Call;
use drawbridge_e2e::{FRONTEND, Row, Visit, records};

/// Writes fields of the call; those of the fold too, which is opened first.
async fn compose(visit: &Visit, fields: &[(&str, &str)]) -> Result<()> {
    visit.browser.click(".failing summary").await?;
    for (field, text) in fields {
        visit.type_into(&format!("#{field}"), text).await?;
    }
    Ok(())
}

/// Makes the call, waits until it is in `state` and the servers have told of it, and returns the kinds of the rows, and the
/// rows.
async fn call(visit: &Visit, state: &str, kinds: &[&str]) -> Result<Vec<Row>> {
    visit.browser.click("#call").await?;
    let script = "return document.querySelector('#outcome').dataset.state";
    visit.browser.await_value("the outcome", script, |seen: &String| seen == state).await?;
    let seen = |rows: &[Row]| rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>();
    visit.await_rows(&format!("of {kinds:?}"), |rows| seen(rows) == kinds).await
}

/// Writes a time as the page does.
fn written(milliseconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are small")]
    let micros = (milliseconds * 1_000.0 + 0.5) as u64;
    let (seconds, left) = (micros / 1_000_000, micros / 1_000 % 1_000);
    match (seconds, left) {
        (0, 0..10) => format!("{left}.{} ms", micros % 1_000 / 100),
        (0, _) => format!("{left} ms"),
        _ => format!("{seconds}.{left:03} s"),
    }
}

/// Returns what a row of a hop tells of its call: asked, granted and used time.
fn figures(call: &Call) -> [String; 3] {
    let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), written);
    [time(call.asked_ms), time(call.granted_ms), written(call.elapsed_ms)]
}

#[tokio::test]
async fn waterfall_rows_equal_what_the_server_says() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, &[("lookup", "0.2"), ("deadline", "30"), ("child-deadline", "20")]).await?;
    let rows = call(&visit, "answered", &["attempt", "hop", "hop", "query"]).await?;
    let calls = records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    assert_eq!(calls.len(), 2);
    for (row, call) in rows[1..3].iter().zip(&calls) {
        assert!(call.method.ends_with(&row.name), "{row:?}: {call:?}");
        assert_eq!(row.figures[1..], figures(call));
        assert_eq!(row.end, "completed, OK");
    }
    let query = &calls[1].works[1];
    assert_eq!(rows[3].figures[3], written(query.stopped_ms.unwrap_or_default() - query.started_ms));
    assert_eq!(rows.iter().map(|row| row.depth.as_str()).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    Ok(())
}

#[tokio::test]
async fn an_attempt_that_failed_is_tried_again_in_the_same_deadline() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, &[("lookup", "0"), ("deadline", "30"), ("attempts", "3"), ("frontend-first", "2")])
        .await?;
    let kinds = ["attempt", "hop", "wait", "attempt", "hop", "wait", "attempt", "hop", "hop", "query"];
    let rows = call(&visit, "answered", &kinds).await?;
    assert!(rows[0].end.starts_with("UNAVAILABLE, from the server: attempt 1 fails"), "{rows:?}");
    assert!(rows[6].end.starts_with("answered"), "{rows:?}");
    let sent = visit.sent().await?;
    let sent: Vec<_> = sent.iter().filter(|sent| sent.path == FRONTEND).collect();
    let previous: Vec<_> =
        sent.iter().map(|sent| sent.headers.get("grpc-previous-rpc-attempts").map(String::as_str)).collect();
    assert_eq!(previous, [None, Some("1"), Some("2")]);
    let timeouts: Vec<u64> =
        sent.iter().filter_map(|sent| sent.headers["grpc-timeout"].strip_suffix('u')?.parse().ok()).collect();
    assert!(
        timeouts[0] > timeouts[1] && timeouts[1] > timeouts[2],
        "{timeouts:?}: what is left of one deadline"
    );
    let calls = records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    assert_eq!(calls.len(), 4, "three attempts, and the child of the last");
    Ok(())
}

#[tokio::test]
async fn the_childs_attempts_are_drawn_under_the_frontend() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, &[("lookup", "0"), ("deadline", "30"), ("user-first", "1")]).await?;
    let rows = call(&visit, "answered", &["attempt", "hop", "hop", "wait", "hop", "query"]).await?;
    assert_eq!(rows[2].name, "UserService/GetUser, attempt 1");
    assert_eq!(rows[4].name, "UserService/GetUser, attempt 2");
    assert_eq!(rows[2].end, "completed, UNAVAILABLE");
    Ok(())
}

/// The first wait is slept, the second is not: the server asks for one that would outlast the deadline.
#[tokio::test]
async fn a_deadline_in_the_second_backoff_ends_the_call_at_once() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    let fields =
        [("deadline", "7"), ("attempts", "5"), ("frontend-first", "5"), ("frontend-pushback", "4000")];
    compose(&visit, &fields).await?;
    let rows = call(&visit, "failed", &["attempt", "hop", "wait", "attempt", "hop", "skipped"]).await?;
    assert!(rows[5].end.contains("the deadline comes first"), "{rows:?}");
    visit.await_text("#outcome", |words| words.contains("comes before the next one")).await?;
    let reason = visit.await_text(".outcome .reason", |words| words.starts_with("DEADLINE_EXCEEDED")).await?;
    assert!(reason.contains("UNAVAILABLE: attempt 2 fails"), "{reason:?}: the last real failure");
    let took = visit.await_text(".outcome .elapsed", |words| !words.is_empty()).await?;
    let took: f64 = took.trim_end_matches(" s").parse()?;
    assert!(took < 7.0, "nobody waited for the deadline: {took} s");
    Ok(())
}

#[tokio::test]
async fn another_code_and_a_negative_pushback_are_not_tried_again() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    let fields =
        [("deadline", "30"), ("attempts", "5"), ("frontend-first", "1"), ("frontend-pushback", "-1")];
    compose(&visit, &fields).await?;
    call(&visit, "failed", &["attempt", "hop"]).await?;
    visit.type_into("#frontend-pushback", "").await?;
    visit.browser.click("#frontend-code option[value='13']").await?;
    call(&visit, "failed", &["attempt", "hop"]).await?;
    visit.await_text(".outcome .reason", |words| words.starts_with("INTERNAL")).await?;
    Ok(())
}

/// As a proxy answers: the head went out before anything was known, and the status comes in the body.
#[tokio::test]
async fn a_status_in_the_trailers_frame_is_tried_again() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    let script = "const { fetch } = window;
        let failed = 0;
        window.fetch = (url, init) => {
          if (!String(url).includes('FrontendService') || failed++) return fetch(url, init);
          const trailers = new TextEncoder().encode('grpc-status:14\\r\\ngrpc-message:no server behind\\r\\n');
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(new Uint8Array([0x80, 0, 0, 0, trailers.length]));
              controller.enqueue(trailers);
              controller.close();
            },
          });
          return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/grpc-web+proto' } }));
        }";
    visit.browser.read::<()>(script).await?;
    compose(&visit, &[("lookup", "0"), ("deadline", "30"), ("attempts", "2")]).await?;
    // No server knows of the attempt that the proxy answered.
    let kinds = ["attempt", "unknown", "wait", "attempt", "hop", "hop", "query"];
    let rows = call(&visit, "answered", &kinds).await?;
    assert_eq!(rows[0].end, "UNAVAILABLE, from the server: no server behind");
    Ok(())
}

#[tokio::test]
async fn the_childs_deadline_and_what_it_stopped_are_drawn() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, &[("lookup", "20"), ("deadline", "30"), ("child-deadline", "0.5")]).await?;
    let rows = call(&visit, "failed", &["attempt", "hop", "hop", "query"]).await?;
    assert_eq!(rows[2].figures[2], "500 ms");
    let calls = records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    for (row, call) in rows[1..3].iter().zip(&calls) {
        assert_eq!(row.figures[1..], figures(call));
    }
    assert_eq!(rows[3].end, "stopped");
    Ok(())
}

#[tokio::test]
async fn a_call_that_was_left_is_drawn_on_return() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, &[("lookup", "20"), ("deadline", "")]).await?;
    visit.browser.click("#call").await?;
    visit.server.next_call(drawbridge_e2e::USER).await?;
    visit.follow("/greeter").await?;
    visit.follow("/deadlines").await?;
    let gone = |rows: &[Row]| rows.iter().any(|row| row.end.contains("client gone"));
    let rows = visit.await_rows("of the call that was left", gone).await?;
    assert_eq!(rows[0].kind, "attempt", "this page's own account is kept");
    visit.browser.click("#call").await?;
    visit.server.next_call(drawbridge_e2e::USER).await?;
    visit.browser.client().refresh().await?;
    let rows = visit.await_rows("of the call before the reload", gone).await?;
    assert_eq!(rows[0].kind, "hop", "there is what the servers tell");
    Ok(())
}
