//! The view of deadlines: one call that makes another, and what becomes of both when time is short.

use std::time::Duration;

use anyhow::{Context, Result};
use drawbridge_e2e::{FRONTEND, Row, USER, Visit};
use fantoccini::key::Key;

/// Writes the fields: how long the lookup takes, the caller's deadline and the child's, in seconds.
async fn compose(visit: &Visit, lookup: &str, deadline: &str, child: &str) -> Result<()> {
    for (field, seconds) in [("#lookup", lookup), ("#deadline", deadline), ("#child-deadline", child)] {
        visit.type_into(field, seconds).await?;
    }
    Ok(())
}

/// Waits for the outcome to be in `state`, and returns its words.
async fn outcome(visit: &Visit, state: &str) -> Result<String> {
    let script = "const { dataset, textContent } = document.querySelector('#outcome'); return [dataset.state, textContent]";
    let [_, words]: [String; 2] = visit
        .browser
        .await_value(&format!("an outcome that is {state}"), script, |[seen, _]: &[String; 2]| seen == state)
        .await?;
    Ok(words)
}

/// Waits for the servers' records, and returns what the page, the frontend and the user service were given, in words.
async fn given(visit: &Visit) -> Result<[String; 3]> {
    let hops = |rows: &[Row]| rows.iter().filter(|row| row.kind == "hop").count();
    let rows = visit.await_rows("with both hops", |rows| hops(rows) == 2).await?;
    let mut given = rows
        .iter()
        .filter(|row| ["attempt", "hop"].contains(&row.kind.as_str()))
        .map(|row| row.figures[2].clone());
    Ok([(); 3].map(|()| given.next().unwrap_or_default()))
}

/// Reads a time that is told to the millisecond.
fn seconds(told: &str) -> Result<f64> {
    let (number, unit) = told.split_once(' ').with_context(|| format!("no time: {told:?}"))?;
    Ok(number.parse::<f64>()? / if unit == "ms" { 1_000.0 } else { 1.0 })
}

#[tokio::test]
async fn a_call_in_time_tells_what_each_hop_was_given() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    assert_eq!(outcome(&visit, "idle").await?, "Nothing was called yet.");
    compose(&visit, "0.2", "20", "").await?;
    visit.browser.click("#call").await?;
    let words = outcome(&visit, "answered").await?;
    assert!(words.contains("Ada Lovelace"), "{words:?}");

    let [page, frontend, user] = given(&visit).await?;
    let (page, frontend, user) = (seconds(&page)?, seconds(&frontend)?, seconds(&user)?);
    assert!(
        0.0 < user && user <= frontend && frontend <= page && page <= 20.0,
        "{user} of {frontend} of {page}"
    );
    let end = visit.server.next_call(FRONTEND).await?.end().await?;
    assert_eq!((end.how.as_str(), end.messages), ("completed", 1));
    visit.await_text(".outcome .timing p", |words| words.starts_with("The answer came after")).await?;
    Ok(())
}

#[tokio::test]
async fn without_a_deadline_every_hop_says_so() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "0", "", "").await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "answered").await?;
    // The server may have a limit of its own, so only what this page gave is known here.
    let [page, ..] = given(&visit).await?;
    assert_eq!(page, "–");
    Ok(())
}

#[tokio::test]
async fn the_childs_smaller_deadline_is_granted_and_told() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "0.1", "20", "10").await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "answered").await?;
    let [_, frontend, user] = given(&visit).await?;
    assert!(seconds(&user)? <= 10.0 && 10.0 < seconds(&frontend)?, "{user} of {frontend}");
    Ok(())
}

#[tokio::test]
async fn the_childs_smaller_deadline_wins_and_says_so() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "10", "0.5").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    let words = outcome(&visit, "failed").await?;
    assert!(words.contains("The child's deadline of 0.5 s passed"), "{words:?}");
    visit.await_text(".outcome .reason", |reason| reason.contains("DEADLINE_EXCEEDED")).await?;
    let [page, frontend, user] = given(&visit).await?;
    assert!(seconds(&user)? <= 0.5 && 0.5 < seconds(&frontend)?, "{user} of {frontend}");
    assert!(seconds(&frontend)? <= seconds(&page)? && seconds(&page)? <= 10.0, "{frontend} of {page}");
    // The caller's own deadline was far away: it was the frontend that passed its child's end on.
    let end = call.end().await?;
    assert_eq!(end.code, "DEADLINE_EXCEEDED");
    assert_ne!(end.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn the_callers_deadline_ends_the_call_and_says_so() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "1", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    assert!(call.granted().is_some_and(|granted| granted <= Duration::from_secs(1)));
    visit.await_text(".outcome .countdown", |words| words.ends_with(" s left")).await?;
    let words = outcome(&visit, "failed").await?;
    assert!(words.starts_with("Your deadline of 1 s passed"), "{words:?}");
    // Page and server keep the same deadline, each by its own clock, and the child's may be the first to be heard of.
    let end = call.end().await?;
    assert!(["DEADLINE_EXCEEDED", "CANCELLED"].contains(&end.code.as_str()), "{end:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_moves_when_the_outcome_changes() -> Result<()> {
    const BOXES: &str = ".plate:not(.happened), .outcome .clock, #call";
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "2", "").await?;
    let before = visit.places(BOXES).await?;
    visit.browser.click("#call").await?;
    outcome(&visit, "waiting").await?;
    assert_eq!(visit.places(BOXES).await?, before);
    outcome(&visit, "failed").await?;
    assert_eq!(visit.places(BOXES).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_cancelled_call_ends_on_the_server() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.browser.click("#call").await?;
    let words = outcome(&visit, "cancelled").await?;
    assert!(words.contains("You cancelled"), "{words:?}");
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn leaving_the_view_ends_the_call_and_is_told() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.follow("/greeter").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.follow("/deadlines").await?;
    let words = visit.await_left().await?;
    assert!(words.contains("the call to the frontend"), "{words:?}");
    outcome(&visit, "idle").await?;
    Ok(())
}

#[tokio::test]
async fn leaving_the_page_ends_the_call() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "20", "", "").await?;
    visit.browser.click("#call").await?;
    let call = visit.server.next_call(FRONTEND).await?;
    visit.browser.goto(&visit.server.url_of_another_site("/")).await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

/// The browser leaves one hop, and the two behind it end with it: the child call, and its SQL statement.
#[tokio::test]
async fn leaving_ends_the_child_call_and_its_statement() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    for way in ["/greeter", "/deadlines"] {
        compose(&visit, "60", "", "").await?;
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
        child.lookup_stopped().await?;
        if way == "/greeter" {
            visit.follow("/deadlines").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_childs_deadline_stops_its_statement() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    compose(&visit, "60", "30", "0.5").await?;
    visit.browser.click("#call").await?;
    let child = visit.server.next_call(USER).await?;
    assert!(child.granted().is_some_and(|granted| granted <= Duration::from_millis(500)));
    child.end().await?;
    child.lookup_stopped().await?;
    Ok(())
}

#[tokio::test]
async fn an_unknown_user_is_told_by_name() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.type_into("#user", &("mallory".to_owned() + &Key::Enter)).await?;
    let words = outcome(&visit, "failed").await?;
    assert!(words.contains("nothing by that name"), "{words:?}");
    visit.await_text(".outcome .reason", |reason| reason.starts_with("NOT_FOUND")).await?;
    Ok(())
}

/// Needs no answer: what is not understood is not sent.
#[tokio::test]
async fn a_field_that_is_no_number_is_where_the_visitor_is_taken() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    for field in ["lookup", "deadline", "child-deadline"] {
        compose(&visit, "0", "1", "").await?;
        visit.type_into(&format!("#{field}"), "soon").await?;
        visit.browser.click("#call").await?;
        visit.await_text(&format!("#{field}-problem"), |words| words.contains("soon")).await?;
        let focused: String = visit.browser.read("return document.activeElement.id").await?;
        assert_eq!(focused, field);
    }
    assert_eq!(visit.sent().await?, []);
    assert_eq!(outcome(&visit, "idle").await?, "Nothing was called yet.");
    Ok(())
}

#[tokio::test]
async fn the_examples_write_the_fields() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.browser.click(".examples button:nth-child(2)").await?;
    let script =
        "return ['lookup', 'deadline', 'child-deadline'].map((id) => document.getElementById(id).value)";
    let fields: [String; 3] = visit.browser.read(script).await?;
    assert_eq!(fields, ["3", "5", "0.5"]);
    Ok(())
}
