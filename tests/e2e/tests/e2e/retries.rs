//! Retries, and the waterfall that shows them.

use anyhow::Result;
use drawbridge_calls_proto::Call;
use drawbridge_e2e::{FRONTEND, Row, Visit, call_records};

/// Opens the fields for retries, and fills in fields.
async fn fill_in(visit: &Visit, fields: &[(&str, &str)]) -> Result<()> {
    visit.browser.click(".retries summary").await?;
    for (field, text) in fields {
        visit.type_into(&format!("#{field}"), text).await?;
    }
    Ok(())
}

/// Makes the call, waits until it is in `state` and the waterfall has rows of these kinds, and returns the rows.
async fn call(visit: &Visit, state: &str, kinds: &[&str]) -> Result<Vec<Row>> {
    visit.browser.click("#call").await?;
    let script = "return document.querySelector('#outcome').dataset.state";
    visit.browser.await_value("the outcome", script, |seen: &String| seen == state).await?;
    let seen = |rows: &[Row]| rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>();
    visit.await_rows(&format!("of {kinds:?}"), |rows| seen(rows) == kinds).await
}

/// Formats a duration as the page does.
fn formatted(milliseconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are small")]
    let micros = (milliseconds * 1_000.0 + 0.5) as u64;
    let (seconds, left) = (micros / 1_000_000, micros / 1_000 % 1_000);
    match (seconds, left) {
        (0, 0..10) => format!("{left}.{} ms", micros % 1_000 / 100),
        (0, _) => format!("{left} ms"),
        _ => format!("{seconds}.{left:03} s"),
    }
}

/// Returns the figures of a hop's row: requested timeout, granted timeout and duration.
fn figures(call: &Call) -> [String; 3] {
    let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), formatted);
    [time(call.asked_ms), time(call.granted_ms), formatted(call.elapsed_ms)]
}

#[tokio::test]
async fn rows_equal_the_servers_records() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, &[("lookup", "0.2"), ("deadline", "30"), ("child-deadline", "20")]).await?;
    let rows = call(&visit, "answered", &["attempt", "hop", "hop", "activity"]).await?;
    let calls = call_records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    assert_eq!(calls.len(), 2);
    for (row, call) in rows[1..3].iter().zip(&calls) {
        assert!(call.method.ends_with(&row.name), "{row:?}: {call:?}");
        assert_eq!(row.figures[1..], figures(call));
        assert_eq!(row.end, "completed, OK");
    }
    let query = &calls[1].activities[1];
    assert_eq!(rows[3].figures[3], formatted(query.stopped_ms.unwrap_or_default() - query.started_ms));
    assert_eq!(rows.iter().map(|row| row.depth.as_str()).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    Ok(())
}

#[tokio::test]
async fn a_failed_attempt_is_retried_within_the_deadline() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, &[("lookup", "0"), ("deadline", "30"), ("attempts", "3"), ("frontend-attempts", "2")])
        .await?;
    let kinds =
        ["attempt", "hop", "backoff", "attempt", "hop", "backoff", "attempt", "hop", "hop", "activity"];
    let rows = call(&visit, "answered", &kinds).await?;
    assert!(rows[0].end.starts_with("UNAVAILABLE, from the server: attempt 1 fails"), "{rows:?}");
    assert!(rows[6].end.starts_with("OK, from the server"), "{rows:?}");
    let sent = visit.requests().await?;
    let sent: Vec<_> = sent.iter().filter(|sent| sent.path == FRONTEND).collect();
    let previous: Vec<_> =
        sent.iter().map(|sent| sent.headers.get("grpc-previous-rpc-attempts").map(String::as_str)).collect();
    assert_eq!(previous, [None, Some("1"), Some("2")]);
    let timeouts: Vec<u64> =
        sent.iter().filter_map(|sent| sent.headers["grpc-timeout"].strip_suffix('u')?.parse().ok()).collect();
    assert!(
        timeouts[0] > timeouts[1] && timeouts[1] > timeouts[2],
        "{timeouts:?}: each attempt gets the time that is left"
    );
    let calls = call_records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    assert_eq!(calls.len(), 4, "three attempts, and the child call of the last one");
    Ok(())
}

#[tokio::test]
async fn the_attempts_of_the_child_call_are_below_the_frontend() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, &[("lookup", "0"), ("deadline", "30"), ("user-attempts", "1")]).await?;
    let rows = call(&visit, "answered", &["attempt", "hop", "hop", "backoff", "hop", "activity"]).await?;
    assert_eq!(rows[2].name, "UserService/GetUser, attempt 1");
    assert_eq!(rows[4].name, "UserService/GetUser, attempt 2");
    assert_eq!(rows[2].end, "completed, UNAVAILABLE");
    Ok(())
}

/// The first backoff is slept. The second is not, because the server's pushback exceeds the deadline.
#[tokio::test]
async fn a_deadline_in_the_second_backoff_ends_the_call_at_once() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    let fields =
        [("deadline", "7"), ("attempts", "5"), ("frontend-attempts", "5"), ("frontend-pushback", "4000")];
    fill_in(&visit, &fields).await?;
    let rows = call(&visit, "failed", &["attempt", "hop", "backoff", "attempt", "hop", "skipped"]).await?;
    assert!(rows[5].end.contains("the deadline comes first"), "{rows:?}");
    visit.await_text("#outcome", |text| text.contains("comes before the next attempt")).await?;
    let failure = visit.await_text(".outcome .failure", |text| text.starts_with("DEADLINE_EXCEEDED")).await?;
    assert!(failure.contains("UNAVAILABLE: attempt 2 fails"), "{failure:?}: the last error of the server");
    let took = visit.await_text(".outcome .elapsed", |text| !text.is_empty()).await?;
    let took: f64 = took.trim_end_matches(" s").parse()?;
    assert!(took < 7.0, "the call waited for its deadline: {took} s");
    Ok(())
}

#[tokio::test]
async fn another_code_and_a_negative_pushback_are_not_retried() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    let fields =
        [("deadline", "30"), ("attempts", "5"), ("frontend-attempts", "1"), ("frontend-pushback", "-1")];
    fill_in(&visit, &fields).await?;
    call(&visit, "failed", &["attempt", "hop"]).await?;
    visit.type_into("#frontend-pushback", "").await?;
    visit.browser.click("#frontend-code option[value='13']").await?;
    call(&visit, "failed", &["attempt", "hop"]).await?;
    visit.await_text(".outcome .failure", |text| text.starts_with("INTERNAL")).await?;
    Ok(())
}

/// A proxy may send response headers first, and the status in the body.
#[tokio::test]
async fn a_status_in_the_trailers_frame_is_retried() -> Result<()> {
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
    fill_in(&visit, &[("lookup", "0"), ("deadline", "30"), ("attempts", "2")]).await?;
    // The server has no record of the attempt that the proxy answered.
    let kinds = ["attempt", "unknown", "backoff", "attempt", "hop", "hop", "activity"];
    let rows = call(&visit, "answered", &kinds).await?;
    assert_eq!(rows[0].end, "UNAVAILABLE, from the server: no server behind");
    Ok(())
}

#[tokio::test]
async fn the_child_deadline_and_the_query_that_it_stopped_are_shown() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, &[("lookup", "20"), ("deadline", "30"), ("child-deadline", "0.5")]).await?;
    let rows = call(&visit, "failed", &["attempt", "hop", "hop", "activity"]).await?;
    assert_eq!(rows[2].figures[2], "500 ms");
    let calls = call_records(&visit.server, &visit.request_id(FRONTEND).await?).await?;
    for (row, call) in rows[1..3].iter().zip(&calls) {
        assert_eq!(row.figures[1..], figures(call));
    }
    assert_eq!(rows[3].end, "stopped");
    Ok(())
}

#[tokio::test]
async fn a_dropped_call_is_shown_on_return() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, &[("lookup", "20"), ("deadline", "")]).await?;
    visit.browser.click("#call").await?;
    visit.server.next_call(drawbridge_e2e::USER).await?;
    visit.follow("/greeter").await?;
    visit.follow("/deadlines").await?;
    let gone = |rows: &[Row]| rows.iter().any(|row| row.end.contains("client gone"));
    let rows = visit.await_rows("of the dropped call", gone).await?;
    assert_eq!(rows[0].kind, "attempt", "the page keeps its trace");
    visit.browser.click("#call").await?;
    visit.server.next_call(drawbridge_e2e::USER).await?;
    visit.browser.client().refresh().await?;
    let rows = visit.await_rows("of the call before the reload", gone).await?;
    assert_eq!(rows[0].kind, "hop", "the servers' records are left");
    Ok(())
}
