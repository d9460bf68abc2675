//! The page of a server that forwards calls.

use anyhow::Result;
use drawbridge_e2e::{Caller, FRONTEND, GREETINGS, STREAM, Server, Visit, call_records};
use serde::Deserialize;

use crate::keyboard::press_at;

/// Starts a server with the samples, and a visit of a bridge in front of it at the root path.
async fn visit_bridge(more: &[&str]) -> Result<(Server, Visit)> {
    let upstream = Server::start().await?;
    let url = upstream.url("");
    let visit = Visit::of(Server::start_with(&[&["--upstream", &url], more].concat()).await?, "/").await?;
    Ok((upstream, visit))
}

/// Waits for the lines of a panel of *Services*, and returns them.
async fn lines(visit: &Visit, panel: &str) -> Result<Vec<String>> {
    let script = format!(
        "return [...document.querySelectorAll('#{panel} li')].map((line) => line.textContent.trim())"
    );
    visit.browser.await_value(panel, &script, |lines: &Vec<String>| !lines.is_empty()).await
}

async fn await_path(visit: &Visit, path: &str) -> Result<()> {
    visit.browser.await_value("an address", "return location.pathname", |at: &String| at == path).await?;
    Ok(())
}

#[tokio::test]
async fn the_start_view_lists_forwarded_and_hosted_services() -> Result<()> {
    let (upstream, visit) = visit_bridge(&["--upstream", "shop.Orders=http://127.0.0.1:9"]).await?;
    await_path(&visit, "/services").await?;
    let forwarded = lines(&visit, "forwarded").await?;
    assert_eq!(forwarded[0], "shop.Orders http://127.0.0.1:9");
    let rest =
        format!("All other services {} Not forwarded: grpc.channelz, grpc.reflection,", upstream.url(""));
    assert!(forwarded.len() == 2 && forwarded[1].starts_with(&rest), "{forwarded:?}");
    let hosted = lines(&visit, "hosted").await?;
    assert_eq!(hosted[0], "drawbridge.calls.v1.Calls Open Calls");
    assert_eq!(hosted[1], "grpc.health.v1.Health");
    assert!(hosted.len() == 3 && hosted[2].starts_with("Streams, Greeter, Deadlines:"), "{hosted:?}");
    assert!(hosted[2].contains("--samples"), "{hosted:?}");
    Ok(())
}

#[tokio::test]
async fn a_view_whose_service_is_not_hosted_says_where_its_calls_go() -> Result<()> {
    let (upstream, visit) = visit_bridge(&[]).await?;
    visit.follow("/streams").await?;
    let note = visit.await_text("#missing-service", |text| !text.is_empty()).await?;
    assert!(note.contains(&format!("Its calls go to {}.", upstream.url(""))), "{note}");
    visit.open_stream("ada").await?;
    assert!(upstream.next_call(STREAM).await?.is_open(), "the call is forwarded");
    visit.follow("/calls").await?;
    let gone = "return document.querySelector('#missing-service') === null";
    visit.browser.await_value("no note on a view whose service is hosted", gone, |gone| *gone).await?;
    Ok(())
}

#[tokio::test]
async fn a_bridge_with_samples_hosts_all_services_of_the_views() -> Result<()> {
    let (_upstream, visit) = visit_bridge(&["--samples"]).await?;
    let hosted = lines(&visit, "hosted").await?;
    assert!(hosted.contains(&"greet.Greeter Open Greeter".to_owned()), "{hosted:?}");
    assert!(!hosted.iter().any(|line| line.contains("--samples")), "{hosted:?}");
    // The link of a service leads to its view, and the brand to the start view.
    press_at(&visit, "#hosted a[href='/streams']").await?;
    await_path(&visit, "/streams").await?;
    visit.open_stream("ada").await?;
    assert!(!visit.browser.read::<bool>("return !!document.querySelector('#missing-service')").await?);
    visit.browser.click(".brand").await?;
    await_path(&visit, "/services").await
}

#[tokio::test]
async fn the_start_view_without_upstreams_is_streams() -> Result<()> {
    let visit = Visit::start("/").await?;
    await_path(&visit, "/streams").await?;
    visit.follow("/services").await?;
    let forwarded = lines(&visit, "forwarded").await?;
    assert!(forwarded.len() == 1 && forwarded[0].starts_with("No upstream."), "{forwarded:?}");
    assert!(lines(&visit, "hosted").await?.contains(&"Message Open Streams".to_owned()));
    Ok(())
}

#[tokio::test]
async fn the_start_view_of_a_server_that_does_not_list_its_services_is_streams() -> Result<()> {
    let visit = Visit::of(Server::start_on_all_addresses().await?, "/").await?;
    await_path(&visit, "/streams").await?;
    visit.follow("/services").await?;
    visit
        .await_text(".services .warning", |text| text.contains("serves one on loopback addresses only"))
        .await?;
    Ok(())
}

/// The parts of a row of *Calls* that concern forwarding.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    open: String,
    upstream: String,
    activities: String,
}

async fn await_row(visit: &Visit, what: &str, matches: impl Fn(&Row) -> bool) -> Result<Row> {
    let script = "const row = document.querySelector('#calls tbody tr');
        return {
          open: row.dataset.open,
          upstream: row.querySelector('.upstream').textContent,
          activities: row.querySelector('.activities').textContent,
        }";
    visit.browser.await_value(what, script, matches).await
}

#[tokio::test]
async fn calls_shows_the_upstream_of_a_forwarded_call_and_its_times() -> Result<()> {
    let (upstream, visit) = visit_bridge(&[]).await?;
    visit.follow("/calls").await?;
    let caller = Caller::greetings(&visit.server, "ada").await?;
    let to = format!("sent to {} after ", upstream.url(""));
    let answered = |row: &Row| {
        row.open == "true" && row.upstream.starts_with(&to) && row.activities.contains("forwarding running")
    };
    let row = await_row(&visit, "an open call that was answered", answered).await?;
    assert!(row.upstream.ends_with(" ms") || row.upstream.ends_with(" s"), "{row:?}");
    let sent = upstream.next_call(GREETINGS).await?;
    drop(caller);
    let ended = await_row(&visit, "its end", |row| {
        row.open == "false" && row.activities.contains("forwarding stopped after")
    });
    let ended = ended.await?;
    assert_eq!(ended.upstream, row.upstream, "the upstream is still shown");
    assert!(ended.activities.starts_with("answered after "), "{ended:?}");
    assert_eq!(sent.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_hosted_call_has_no_upstream() -> Result<()> {
    let (_upstream, visit) = visit_bridge(&["--samples"]).await?;
    visit.follow("/calls").await?;
    let _caller = Caller::greetings(&visit.server, "ada").await?;
    let row =
        await_row(&visit, "an open call", |row| row.open == "true" && !row.activities.is_empty()).await?;
    assert!(row.upstream.is_empty() && row.activities.starts_with("handler running"), "{row:?}");
    Ok(())
}

#[tokio::test]
async fn the_bridges_record_of_a_call_names_its_upstream() -> Result<()> {
    let (upstream, visit) = visit_bridge(&[]).await?;
    visit.follow("/deadlines").await?;
    visit.type_into("#lookup", "0").await?;
    visit.type_into("#deadline", "").await?;
    visit.browser.click("#call").await?;
    upstream.next_call(FRONTEND).await?.end().await?;
    visit.await_rows("with the bridge's record", |rows| rows.iter().any(|row| row.kind == "hop")).await?;
    let request_id = visit.request_id(FRONTEND).await?;
    let calls = call_records(&visit.server, &request_id).await?;
    let forwarded = calls[0].forwarded.clone().unwrap_or_default();
    assert_eq!(forwarded.address, upstream.url(""));
    let times = [0.0, forwarded.sent_ms, forwarded.answered_ms.unwrap_or(f64::INFINITY), calls[0].elapsed_ms];
    assert!(times.is_sorted(), "{times:?}");
    Ok(())
}
