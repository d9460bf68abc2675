//! The view *Deadlines*: a call over two hops, and what its deadline ends.

use std::time::Duration;

use anyhow::{Context, Result};
use drawbridge_e2e::{FRONTEND, Row, USER, Visit};
use fantoccini::key::Key;

/// Fills in the fields, in seconds: the lookup time, the deadline and the child deadline.
async fn fill_in(visit: &Visit, lookup: &str, deadline: &str, child: &str) -> Result<()> {
    for (field, seconds) in [("#lookup", lookup), ("#deadline", deadline), ("#child-deadline", child)] {
        visit.type_into(field, seconds).await?;
    }
    Ok(())
}

/// Waits until the outcome is in `state`, and returns its text.
async fn outcome(visit: &Visit, state: &str) -> Result<String> {
    let script = "const { dataset, textContent } = document.querySelector('#outcome'); return [dataset.state, textContent]";
    let [_, text]: [String; 2] = visit
        .browser
        .await_value(&format!("an outcome that is {state}"), script, |[seen, _]: &[String; 2]| seen == state)
        .await?;
    Ok(text)
}

/// Waits for the servers' records, and returns the granted timeouts of the page, the frontend and the user service.
async fn granted(visit: &Visit) -> Result<[String; 3]> {
    let hops = |rows: &[Row]| rows.iter().filter(|row| row.kind == "hop").count();
    let rows = visit.await_rows("with both hops", |rows| hops(rows) == 2).await?;
    let mut granted = rows
        .iter()
        .filter(|row| ["attempt", "hop"].contains(&row.kind.as_str()))
        .map(|row| row.figures[2].clone());
    Ok([(); 3].map(|()| granted.next().unwrap_or_default()))
}

/// Parses a duration as the page shows it, such as `500 ms`.
fn seconds(shown: &str) -> Result<f64> {
    let (number, unit) = shown.split_once(' ').with_context(|| format!("not a duration: {shown:?}"))?;
    Ok(number.parse::<f64>()? / if unit == "ms" { 1_000.0 } else { 1.0 })
}

#[tokio::test]
async fn each_hop_gets_the_time_that_is_left() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    assert_eq!(outcome(&visit, "idle").await?, "No call yet.");
    fill_in(&visit, "0.2", "20", "").await?;
    visit.browser.click("#call").await?;
    let text = outcome(&visit, "answered").await?;
    assert!(text.contains("Ada Lovelace"), "{text:?}");

    let [page, frontend, user] = granted(&visit).await?;
    let (page, frontend, user) = (seconds(&page)?, seconds(&frontend)?, seconds(&user)?);
    assert!(
        0.0 < user && user <= frontend && frontend <= page && page <= 20.0,
        "{user} of {frontend} of {page}"
    );
    let end = visit.server.next_call(FRONTEND).await?.end().await?;
    assert_eq!((end.how.as_str(), end.messages), ("completed", 1));
    visit.await_text(".outcome .timing p", |text| text.starts_with("Answered after")).await?;
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_deadline_has_no_granted_timeout_on_the_page() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "0", "", "").await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "answered").await?;
    // The server may have a timeout of its own, so only the page's is known.
    let [page, ..] = granted(&visit).await?;
    assert_eq!(page, "–");
    Ok(())
}

#[tokio::test]
async fn a_shorter_child_deadline_is_granted() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "0.1", "20", "10").await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "answered").await?;
    let [_, frontend, user] = granted(&visit).await?;
    assert!(seconds(&user)? <= 10.0 && 10.0 < seconds(&frontend)?, "{user} of {frontend}");
    Ok(())
}

#[tokio::test]
async fn a_shorter_child_deadline_ends_the_call_and_is_named() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "10", "0.5").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    let text = outcome(&visit, "failed").await?;
    assert!(text.contains("The child deadline of 0.5 s passed"), "{text:?}");
    visit.await_text(".outcome .failure", |reason| reason.contains("DEADLINE_EXCEEDED")).await?;
    let [page, frontend, user] = granted(&visit).await?;
    assert!(seconds(&user)? <= 0.5 && 0.5 < seconds(&frontend)?, "{user} of {frontend}");
    assert!(seconds(&frontend)? <= seconds(&page)? && seconds(&page)? <= 10.0, "{frontend} of {page}");
    // The caller's deadline has not passed: the frontend returned the error of its child call.
    let end = call.end().await?;
    assert_eq!(end.code, "DEADLINE_EXCEEDED");
    assert_ne!(end.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn the_callers_deadline_ends_the_call_and_is_named() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "1", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    assert!(call.granted().is_some_and(|granted| granted <= Duration::from_secs(1)));
    visit.await_text(".outcome .countdown", |text| text.ends_with(" s left")).await?;
    let text = outcome(&visit, "failed").await?;
    assert!(text.starts_with("Your deadline of 1 s passed"), "{text:?}");
    // Page, frontend and user service enforce the same deadline by their own clocks, so any of them may be first.
    let end = call.end().await?;
    assert!(["DEADLINE_EXCEEDED", "CANCELLED"].contains(&end.code.as_str()), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn the_layout_is_stable_when_the_outcome_changes() -> Result<()> {
    const BOXES: &str = ".panel:not(.timeline), .outcome .outcome-timing, #call";
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "2", "").await?;
    let before = visit.layout(BOXES).await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "waiting").await?;
    assert_eq!(visit.layout(BOXES).await?, before);
    outcome(&visit, "failed").await?;
    assert_eq!(visit.layout(BOXES).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_call_ends_on_the_server() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.browser.click("#call").await?;
    let text = outcome(&visit, "cancelled").await?;
    assert!(text.contains("You cancelled"), "{text:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn leaving_the_view_cancels_the_call_and_the_view_says_so() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.follow("/greeter").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.follow("/deadlines").await?;
    let text = visit.await_dropped_notice().await?;
    assert!(text.contains("the frontend call"), "{text:?}");
    outcome(&visit, "idle").await?;
    Ok(())
}

#[tokio::test]
async fn leaving_the_page_cancels_the_call() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.browser.goto(&visit.server.url_of_another_site("/")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

/// The browser cancels the first hop, and the two behind it end too: the child call and its SQL query.
#[tokio::test]
async fn leaving_ends_the_child_call_and_its_query() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    for way in ["/greeter", "/deadlines"] {
        fill_in(&visit, "60", "", "").await?;
        visit.browser.click("#call").await?;
        let (call, child) = (visit.server.next_call(FRONTEND).await?, visit.server.next_call(USER).await?);
        assert!(call.is_open() && child.is_open());
        if way == "/greeter" {
            visit.follow(way).await?;
        } else {
            visit.browser.goto(&visit.server.url_of_another_site("/")).await?;
        }
        assert_eq!(call.end().await?.how, "client gone");
        assert_eq!(child.end().await?.how, "client gone");
        child.query_stopped().await?;
        if way == "/greeter" {
            visit.follow("/deadlines").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_child_deadline_stops_the_query() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    fill_in(&visit, "60", "30", "0.5").await?;
    visit.browser.click("#call").await?;
    let child = visit.server.next_call(USER).await?;
    assert!(child.granted().is_some_and(|granted| granted <= Duration::from_millis(500)));
    child.end().await?;
    child.query_stopped().await?;
    Ok(())
}

#[tokio::test]
async fn an_unknown_user_is_explained() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.type_into("#user", &("mallory".to_owned() + &Key::Enter)).await?;
    let text = outcome(&visit, "failed").await?;
    assert!(text.contains("nothing with this name"), "{text:?}");
    visit.await_text(".outcome .failure", |reason| reason.starts_with("NOT_FOUND")).await?;
    Ok(())
}

#[tokio::test]
async fn a_field_that_cannot_be_parsed_gets_the_focus_and_nothing_is_sent() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    for field in ["lookup", "deadline", "child-deadline"] {
        fill_in(&visit, "0", "1", "").await?;
        visit.type_into(&format!("#{field}"), "soon").await?;
        visit.browser.click("#call").await?;
        visit.await_text(&format!("#{field}-problem"), |text| text.contains("soon")).await?;
        let focused: String = visit.browser.read("return document.activeElement.id").await?;
        assert_eq!(focused, field);
    }
    assert_eq!(visit.requests().await?, []);
    assert_eq!(outcome(&visit, "idle").await?, "No call yet.");
    Ok(())
}

#[tokio::test]
async fn an_example_fills_in_the_fields() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.browser.click(".examples button:nth-child(2)").await?;
    let script =
        "return ['lookup', 'deadline', 'child-deadline'].map((id) => document.getElementById(id).value)";
    let fields: [String; 3] = visit.browser.read(script).await?;
    assert_eq!(fields, ["3", "5", "0.5"]);
    Ok(())
}
