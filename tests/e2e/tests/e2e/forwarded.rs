//! The page of a bridge that forwards.

use anyhow::Result;
use drawbridge_e2e::{Caller, FRONTEND, GREETINGS, STREAM, Server, Visit, records};
use serde::Deserialize;

use crate::keyboard::press_at;

/// A server with the samples, and the page of a bridge in front of it, opened where one starts.
async fn in_front(more: &[&str]) -> Result<(Server, Visit)> {
    let upstream = Server::start().await?;
    let url = upstream.url("");
    let visit = Visit::of(Server::start_with(&[&["--upstream", &url], more].concat()).await?, "/").await?;
    Ok((upstream, visit))
}

/// Returns the lines of a plate of the services, once they are there.
async fn lines(visit: &Visit, plate: &str) -> Result<Vec<String>> {
    let script = format!(
        "return [...document.querySelectorAll('#{plate} li')].map((line) => line.textContent.trim())"
    );
    visit.browser.await_value(plate, &script, |lines: &Vec<String>| !lines.is_empty()).await
}

async fn await_path(visit: &Visit, path: &str) -> Result<()> {
    visit.browser.await_value("an address", "return location.pathname", |at: &String| at == path).await?;
    Ok(())
}

#[tokio::test]
async fn the_start_shows_what_is_forwarded_and_where_and_what_is_missing() -> Result<()> {
    let (upstream, visit) = in_front(&["--upstream", "shop.Orders=http://127.0.0.1:9"]).await?;
    await_path(&visit, "/services").await?;
    let forwarded = lines(&visit, "forwarded").await?;
    assert_eq!(forwarded[0], "shop.Orders http://127.0.0.1:9");
    let rest = format!("All other services {} Closed: grpc.channelz, grpc.reflection,", upstream.url(""));
    assert!(forwarded.len() == 2 && forwarded[1].starts_with(&rest), "{forwarded:?}");
    let hosted = lines(&visit, "hosted").await?;
    assert_eq!(hosted[0], "drawbridge.calls.v1.Calls Calls");
    assert!(hosted.len() == 2 && hosted[1].starts_with("Streams, Greeter, Deadlines:"), "{hosted:?}");
    assert!(hosted[1].contains("--samples"), "{hosted:?}");
    Ok(())
}

#[tokio::test]
async fn a_view_whose_samples_are_elsewhere_says_where_its_calls_go() -> Result<()> {
    let (upstream, visit) = in_front(&[]).await?;
    visit.follow("/streams").await?;
    let note = visit.await_text("#lacks", |words| !words.is_empty()).await?;
    assert!(note.contains(&format!("its calls go to {}.", upstream.url(""))), "{note}");
    visit.stream("ada").await?;
    assert!(upstream.next_call(STREAM).await?.is_open(), "it is forwarded");
    visit.follow("/calls").await?;
    let gone = "return document.querySelector('#lacks') === null";
    visit.browser.await_value("no note on a view that lacks nothing", gone, |gone| *gone).await?;
    Ok(())
}

#[tokio::test]
async fn with_the_samples_beside_it_nothing_is_missing() -> Result<()> {
    let (_upstream, visit) = in_front(&["--samples"]).await?;
    let hosted = lines(&visit, "hosted").await?;
    assert!(hosted.contains(&"greet.Greeter Greeter".to_owned()), "{hosted:?}");
    assert!(!hosted.iter().any(|line| line.contains("--samples")), "{hosted:?}");
    // The brand leads to where one starts, the name of a view to the view.
    press_at(&visit, "#hosted a[href='/streams']").await?;
    await_path(&visit, "/streams").await?;
    visit.stream("ada").await?;
    assert!(!visit.browser.read::<bool>("return !!document.querySelector('#lacks')").await?);
    visit.browser.click(".brand").await?;
    await_path(&visit, "/services").await
}

#[tokio::test]
async fn without_upstreams_one_starts_with_the_samples() -> Result<()> {
    let visit = Visit::start("/").await?;
    await_path(&visit, "/streams").await?;
    visit.follow("/services").await?;
    let forwarded = lines(&visit, "forwarded").await?;
    assert!(forwarded.len() == 1 && forwarded[0].starts_with("Nothing."), "{forwarded:?}");
    assert!(lines(&visit, "hosted").await?.contains(&"Message Streams".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_server_that_does_not_tell_its_services_starts_with_the_samples() -> Result<()> {
    let visit = Visit::of(Server::start_on_all_addresses().await?, "/").await?;
    await_path(&visit, "/streams").await?;
    visit.follow("/services").await?;
    visit.await_text(".services .stopped", |words| words.contains("on a loopback address only")).await?;
    Ok(())
}

/// What a row of *Calls* says of a forwarded call.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    open: String,
    upstream: String,
    works: String,
}

async fn await_row(visit: &Visit, what: &str, wanted: impl Fn(&Row) -> bool) -> Result<Row> {
    let script = "const row = document.querySelector('#calls tbody tr');
        return {
          open: row.dataset.open,
          upstream: row.querySelector('.upstream').textContent,
          works: row.querySelector('.works').textContent,
        }";
    visit.browser.await_value(what, script, wanted).await
}

#[tokio::test]
async fn calls_shows_the_upstream_of_a_forwarded_call_and_the_time_to_it() -> Result<()> {
    let (upstream, visit) = in_front(&[]).await?;
    visit.follow("/calls").await?;
    let caller = Caller::greetings(&visit.server, "ada").await?;
    let to = format!("to {} in ", upstream.url(""));
    let answered = |row: &Row| {
        row.open == "true" && row.upstream.starts_with(&to) && row.works.contains("forwarding runs")
    };
    let row = await_row(&visit, "an open call that is answered", answered).await?;
    assert!(row.upstream.ends_with(" ms") || row.upstream.ends_with(" s"), "{row:?}");
    let sent = upstream.next_call(GREETINGS).await?;
    drop(caller);
    let ended = await_row(&visit, "its end", |row| {
        row.open == "false" && row.works.contains("forwarding stopped after")
    });
    let ended = ended.await?;
    assert_eq!(ended.upstream, row.upstream, "what is known of its way stays");
    assert!(ended.works.starts_with("answered after "), "{ended:?}");
    assert_eq!(sent.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_hosted_call_has_no_upstream() -> Result<()> {
    let (_upstream, visit) = in_front(&["--samples"]).await?;
    visit.follow("/calls").await?;
    let _caller = Caller::greetings(&visit.server, "ada").await?;
    let row = await_row(&visit, "an open call", |row| row.open == "true" && !row.works.is_empty()).await?;
    assert!(row.upstream.is_empty() && row.works.starts_with("handler runs"), "{row:?}");
    Ok(())
}

#[tokio::test]
async fn the_bridges_own_record_of_a_call_of_the_page_names_its_upstream() -> Result<()> {
    let (upstream, visit) = in_front(&[]).await?;
    visit.follow("/deadlines").await?;
    visit.type_into("#lookup", "0").await?;
    visit.type_into("#deadline", "").await?;
    visit.browser.click("#call").await?;
    upstream.next_call(FRONTEND).await?.end().await?;
    visit.await_rows("with the bridge's record", |rows| rows.iter().any(|row| row.kind == "hop")).await?;
    let request_id = visit.request_id(FRONTEND).await?;
    let calls = records(&visit.server, &request_id).await?;
    let forwarded = calls[0].forwarded.clone().unwrap_or_default();
    assert_eq!(forwarded.address, upstream.url(""));
    let times = [0.0, forwarded.sent_ms, forwarded.answered_ms.unwrap_or(f64::INFINITY), calls[0].elapsed_ms];
    assert!(times.is_sorted(), "{times:?}");
    Ok(())
}
