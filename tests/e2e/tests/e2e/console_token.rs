//! The console's token: asked for once, kept for the tab, and sent to the console only.

use std::{env, fs, path::PathBuf, process};

use anyhow::Result;
use drawbridge_e2e::{Caller, Server, Visit};
use fantoccini::key::Key;
use serde_json::json;

const TOKEN: &str = "a-token-of-25-characters.";

/// A file with the token, which is removed with this.
struct TokenFile(PathBuf);

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Opens the page at `path`, on a server whose console requires a token of this browser: a proxy passes on its requests.
pub(crate) async fn visit(name: &str, path: &str) -> Result<Visit> {
    let file = TokenFile(env::temp_dir().join(format!("drawbridge-e2e-{}-{name}", process::id())));
    fs::write(&file.0, TOKEN)?;
    let arguments = ["--console-token-file", file.0.to_str().expect("the name is ASCII")];
    let visit = Visit::of(Server::start_with(&arguments).await?, "/streams").await?;
    visit.browser.devtools("Network.enable", json!({})).await?;
    let headers = json!({ "headers": { "x-forwarded-for": "203.0.113.9" } });
    visit.browser.devtools("Network.setExtraHTTPHeaders", headers).await?;
    visit.open(path).await?;
    Ok(visit)
}

/// Writes into the field, which has the focus, and presses Enter.
async fn enter(visit: &Visit, token: &str) -> Result<()> {
    let focused = "return document.activeElement.id === 'console-token'";
    visit.browser.await_value("the focus on the field", focused, |focused| *focused).await?;
    for key in token.chars() {
        visit.browser.press(key).await?;
    }
    visit.browser.press(Key::Enter).await
}

#[tokio::test]
async fn the_list_of_calls_is_shown_after_the_token_is_entered() -> Result<()> {
    let visit = visit("calls", "/calls").await?;
    visit.await_text("#console-token-form", |text| text.contains("--console-token-file")).await?;
    visit.await_text("#console-token-problem", str::is_empty).await?;
    enter(&visit, "another-token-of-27-characters").await?;
    visit.await_text("#console-token-problem", |text| text.contains("not the token")).await?;
    enter(&visit, TOKEN).await?;
    let _caller = Caller::greetings(&visit.server, "ada").await?;
    visit.await_text("#calls-title", |text| text == "1 open").await?;

    // It is kept over a reload, and it opens the other parts of the console.
    visit.open("/services").await?;
    visit.await_text("#hosted", |text| text.contains("greet.Greeter")).await?;
    visit.open("/calls").await?;
    visit.await_text("#calls-title", |text| text == "1 open").await?;
    visit.browser.click("#calls .end button").await?;
    visit.await_text("#cancel-result", |text| text == "Greeter/SayHellos was cancelled.").await?;
    Ok(())
}

#[tokio::test]
async fn the_token_opens_the_list_of_services_at_once() -> Result<()> {
    let visit = visit("services", "/services").await?;
    visit.await_text(".services", |text| text.contains("Enter it in the view Calls")).await?;
    visit.follow("/calls").await?;
    enter(&visit, TOKEN).await?;
    visit.await_text("#calls-title", |text| text == "0 open").await?;
    visit.follow("/services").await?;
    visit.await_text("#hosted", |text| text.contains("greet.Greeter")).await?;
    Ok(())
}

#[tokio::test]
async fn calls_of_other_services_do_not_carry_the_token() -> Result<()> {
    let visit = visit("others", "/calls").await?;
    enter(&visit, TOKEN).await?;
    visit.await_text("#calls-title", |text| text == "0 open").await?;
    visit.follow("/greeter").await?;
    visit.browser.click("#say-hello").await?;
    visit.await_text("#greeting", |text| !text.is_empty()).await?;
    let requests = visit.requests().await?;
    let with_token = |console: bool| {
        let of_kind = requests.iter().filter(move |sent| sent.path.contains("drawbridge.calls") == console);
        of_kind.filter(|sent| sent.headers.contains_key("x-drawbridge-token")).count()
    };
    assert!(requests.iter().any(|sent| sent.path.contains("SayHello")), "{requests:?}");
    assert_eq!(with_token(false), 0, "{requests:?}");
    assert_ne!(with_token(true), 0, "{requests:?}");
    Ok(())
}
