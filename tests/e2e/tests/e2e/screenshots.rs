//! Screenshots of each view for review. They are written to `tests/e2e/pictures`, which is not committed.

use std::{fs, path::Path};

use anyhow::Result;
use drawbridge_e2e::{Browser, Caller, FRONTEND, GREETINGS, Server, Size, Theme, USER, Visit};

use crate::console_token;

const SIZES: [Size; 2] =
    [Size { width: 390, height: 844, phone: true }, Size { width: 1280, height: 800, phone: false }];

/// The greatest height of a screenshot.
const MAX_HEIGHT: u32 = 3_000;

/// Takes screenshots of the whole page, in each size and theme. Fails if the page is wider than the screen.
async fn take(browser: &Browser, view: &str) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures");
    fs::create_dir_all(&folder)?;
    for size in SIZES {
        for theme in [Theme::Light, Theme::Dark] {
            browser.emulate(size, theme).await?;
            let width: u32 = browser.read("return document.documentElement.scrollWidth").await?;
            assert!(width <= size.width, "{view} is {width} wide on a screen of {}", size.width);
            let height: u32 = browser.read("return document.documentElement.scrollHeight").await?;
            // Of a long list, the start is enough.
            browser.emulate(Size { height: height.clamp(size.height, MAX_HEIGHT), ..size }, theme).await?;
            let name = format!("{view}-{}-{theme}.png", size.width);
            fs::write(folder.join(name), browser.client().screenshot().await?)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn streams_in_each_state() -> Result<()> {
    let mut visit = Visit::start("/streams").await?;
    take(&visit.browser, "streams-empty").await?;
    visit.open_stream("cancelled").await?;
    visit.click_button("cancelled").await?;
    visit.await_state("cancelled", "cancelled").await?;
    visit.enter_key("completed").await?;
    visit.await_state("completed", "completed").await?;
    visit.open_stream("streaming").await?;
    visit.open_stream("another one").await?;
    take(&visit.browser, "streams").await?;
    visit.server.kill();
    visit.await_state("streaming", "failed").await?;
    visit.enter_key("server down").await?;
    visit.await_state("server down", "failed").await?;
    take(&visit.browser, "streams-failed").await
}

#[tokio::test]
async fn dropped_streams() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.open_stream("ada").await?;
    visit.open_stream("grace").await?;
    visit.follow("/greeter").await?;
    visit.follow("/streams").await?;
    visit.await_dropped_notice().await?;
    take(&visit.browser, "streams-dropped").await
}

#[tokio::test]
async fn greeter() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    take(&visit.browser, "greeter-idle").await?;
    visit.type_into("#name", "ada").await?;
    visit.browser.click("#say-hello").await?;
    visit.browser.click("#start-greetings").await?;
    visit.server.next_call(GREETINGS).await?;
    let script = "return document.querySelectorAll('#greetings li').length";
    visit.browser.await_value("three greetings", script, |greetings: &usize| *greetings > 2).await?;
    take(&visit.browser, "greeter").await
}

#[tokio::test]
async fn deadlines() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.await_text("#outcome", |text| !text.is_empty()).await?;
    take(&visit.browser, "deadlines-idle").await?;
    visit.browser.click(".retries summary").await?;
    let examples =
        [(1, "answered"), (2, "failed"), (3, "failed"), (4, "answered"), (5, "answered"), (6, "failed")];
    for (example, state) in examples {
        visit.browser.click(&format!(".examples button:nth-child({example})")).await?;
        if state == "answered" {
            // A machine that is busy with other tests may exceed the deadline of the example.
            visit.type_into("#deadline", "30").await?;
        }
        visit.browser.click("#call").await?;
        visit.server.next_call(FRONTEND).await?;
        let script = "return document.querySelector('#outcome').dataset.state";
        visit.browser.await_value("the outcome", script, |seen: &String| seen == state).await?;
        visit
            .await_rows("with the servers' records", |rows| rows.iter().any(|row| row.kind == "hop"))
            .await?;
        take(&visit.browser, &format!("deadlines-{example}")).await?;
    }
    visit.browser.click(".examples button:nth-child(2)").await?;
    visit.browser.click("#call").await?;
    visit.server.next_call(USER).await?;
    visit.follow("/greeter").await?;
    visit.follow("/deadlines").await?;
    visit.await_dropped_notice().await?;
    visit.await_rows("of the dropped call", |rows| rows.iter().any(|row| row.kind == "activity")).await?;
    take(&visit.browser, "deadlines-dropped").await
}

#[tokio::test]
async fn calls() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    visit.browser.click(".examples button:nth-child(2)").await?;
    visit.browser.click("#call").await?;
    visit.await_rows("with the servers' records", |rows| rows.iter().any(|row| row.kind == "hop")).await?;
    let mut callers = Vec::new();
    for _ in 0..205 {
        callers.push(Caller::greetings(&visit.server, "ada").await?);
    }
    callers.truncate(200);
    visit.follow("/calls").await?;
    let script = "return document.querySelectorAll('#calls [data-open=true]').length";
    visit.browser.await_value("200 open calls", script, |open: &usize| *open == 200).await?;
    visit.await_text("#calls-title", |text| text.starts_with("200 open")).await?;
    take(&visit.browser, "calls").await
}

#[tokio::test]
async fn live_views_while_the_server_is_down_and_after_its_restart() -> Result<()> {
    let mut visit = Visit::of(Server::start_with(&["--drain", "0s"]).await?, "/calls").await?;
    let _caller = Caller::greetings(&visit.server, "ada").await?;
    visit.await_text("#calls-title", |text| text == "1 open").await?;
    visit.server.terminate()?;
    visit.await_text("#calls-title", |text| text.contains("unknown since")).await?;
    take(&visit.browser, "calls-reconnecting").await?;
    visit.server.restart().await?;
    visit.await_text(".calls .state", |text| text == "live").await?;
    take(&visit.browser, "calls-restarted").await?;
    visit.follow("/greeter").await?;
    visit.browser.click("#start-greetings").await?;
    visit.server.next_call(GREETINGS).await?;
    visit.await_text("#greetings .messages", |text| !text.is_empty()).await?;
    visit.server.terminate()?;
    visit.await_text("#greetings .state", |text| text == "reconnecting").await?;
    take(&visit.browser, "greeter-reconnecting").await?;
    visit.server.restart().await?;
    visit.await_text("#greetings .state", |text| text == "streaming").await?;
    take(&visit.browser, "greeter-restarted").await
}

#[tokio::test]
async fn services() -> Result<()> {
    let hosts = Visit::start("/services").await?;
    let shown = "return !!document.querySelector('#hosted li')";
    hosts.browser.await_value("the services", shown, |shown| *shown).await?;
    take(&hosts.browser, "services-hosted").await?;
    let upstream = hosts.server.url("");
    for (name, more) in [
        ("services-forwarded", &[][..]),
        (
            "services-both",
            &[
                "--samples",
                "--expose",
                "grpc.reflection.*",
                "--upstream",
                "shop.Orders=https://orders.example",
                "--upstream",
                "shop=http://127.0.0.1:50051",
                "--upstream",
                "shop=http://127.0.0.1:50052",
            ],
        ),
    ] {
        let args = [&["--upstream", &upstream], more].concat();
        let visit = Visit::of(Server::start_with(&args).await?, "/services").await?;
        visit.browser.await_value("the services", shown, |shown| *shown).await?;
        take(&visit.browser, name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn forwarded_calls() -> Result<()> {
    let upstream = Server::start().await?;
    let visit = Visit::of(Server::start_with(&["--upstream", &upstream.url("")]).await?, "/streams").await?;
    visit.open_stream("ada").await?;
    take(&visit.browser, "streams-not-hosted").await?;
    visit.await_state("ada", "completed").await?;
    let dropped = Caller::greetings(&visit.server, "grace").await?;
    visit.server.next_call(GREETINGS).await?;
    drop(dropped);
    let _open = Caller::greetings(&visit.server, "ada").await?;
    visit.follow("/calls").await?;
    visit.await_text("#calls tbody .upstream", |text| text.starts_with("sent to ")).await?;
    take(&visit.browser, "calls-forwarded").await
}

#[tokio::test]
async fn calls_that_need_the_console_token() -> Result<()> {
    let visit = console_token::visit("pictures", "/calls").await?;
    visit.await_text("#console-token-form", |text| !text.is_empty()).await?;
    take(&visit.browser, "calls-token").await
}

#[tokio::test]
async fn unknown_path() -> Result<()> {
    let visit = Visit::start("/no/such/view").await?;
    take(&visit.browser, "not-found").await
}
