//! Each client calls a server that hosts the services, and a bridge that forwards to that server, from a page of another
//! origin.

use std::future::IntoFuture as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use axum::Router;
use drawbridge_e2e::{BackForwardCache, Browser, Environment, GREETINGS, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

const CLIENTS: [&str; 5] =
    ["connect-web", "connect-web, Connect", "connect-web, JSON", "grpc-web", "grpc-web, text"];

/// A server that hosts the services, a bridge that forwards to it, and a browser with the clients.
struct Setup {
    hosting: Server,
    forwarding: Server,
    browser: Browser,
}

impl Setup {
    async fn start() -> Result<Self> {
        let page: PathBuf = Environment::read()?.page;
        std::fs::write(page.join("descriptors.bin"), drawbridge_proto::FILE_DESCRIPTOR_SET)
            .with_context(|| format!("cannot write to {}", page.display()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let files = Router::new().fallback_service(ServeDir::new(page));
        tokio::spawn(axum::serve(listener, files).into_future());
        let hosting = Server::start_with(&["--allow-origin", &origin]).await?;
        let upstream = hosting.url("");
        let forwarding = Server::start_with(&[
            "--upstream",
            &upstream,
            "--allow-origin",
            &origin,
            "--get",
            "greet.Greeter/SayHello,Message/Stream",
        ])
        .await?;
        let setup = Self { hosting, forwarding, browser: Browser::start(BackForwardCache::Off).await? };
        setup.browser.goto(&origin).await?;
        let script = "return globalThis.clients !== undefined";
        setup.browser.await_value("the clients", script, |loaded| *loaded).await?;
        Ok(setup)
    }

    /// Calls a function of these clients, with its arguments in JavaScript, for both servers, all at the same time. Returns
    /// the results, each with the name of its client and server.
    async fn run(&self, clients: &[&str], function: &str) -> Result<Vec<(String, Value)>> {
        let targets: Vec<_> = [("hosted", &self.hosting), ("forwarded", &self.forwarding)]
            .into_iter()
            .flat_map(|(how, server)| clients.iter().map(move |client| (how, server.url(""), *client)))
            .collect();
        let each = targets.iter().map(|(_, url, client)| json!([url, client]));
        let script = format!(
            "return Promise.all({}.map(([url, client]) => globalThis.clients(url)[client].{function}))",
            each.collect::<Value>()
        );
        let answers: Vec<Value> = self.browser.read(&script).await.context(function.to_owned())?;
        Ok(targets.iter().map(|(how, _, client)| format!("{client}, {how}")).zip(answers).collect())
    }
}

#[tokio::test]
async fn a_unary_call_returns_its_response() -> Result<()> {
    let setup = Setup::start().await?;
    for (client, answer) in setup.run(&CLIENTS, "unary('ada')").await? {
        assert_eq!(answer, json!({ "answer": "Hello Ada Lovelace" }), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_has_ten_messages() -> Result<()> {
    let setup = Setup::start().await?;
    for (client, messages) in setup.run(&CLIENTS, "stream('k1')").await? {
        let expected: Vec<_> =
            (1..=10).map(|count| format!("key: k1, progress: {}", "+".repeat(count))).collect();
        assert_eq!(messages, json!(expected), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_source_reads_a_stream_once() -> Result<()> {
    let setup = Setup::start().await?;
    for (client, events) in setup.run(&["EventSource"], "stream('k 1')").await? {
        let expected: Vec<_> =
            (1..=10).map(|count| format!("{count}: key: k 1, progress: {}", "+".repeat(count))).collect();
        assert_eq!(events, json!({ "messages": expected, "end": {} }), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cancelled_ends_on_the_server() -> Result<()> {
    let setup = Setup::start().await?;
    // The official client uses XMLHttpRequest, which streams text only.
    let cancelled = setup
        .run(&["connect-web", "connect-web, Connect", "connect-web, JSON", "grpc-web, text"], "cancel('ada')")
        .await?;
    // The server gets the forwarded calls too.
    for server in [&setup.hosting; 8].into_iter().chain([&setup.forwarding; 4]) {
        let end = server.next_call(GREETINGS).await?.end().await?;
        assert_eq!(end.how, "client gone", "{cancelled:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deadline_ends_a_call() -> Result<()> {
    let setup = Setup::start().await?;
    for (client, answer) in setup.run(&CLIENTS, "deadline('slow', 300)").await? {
        assert_eq!(answer["code"], 4, "{client}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn an_error_has_code_message_and_details() -> Result<()> {
    let setup = Setup::start().await?;
    for (client, answer) in setup.run(&CLIENTS, "error('nobody')").await? {
        assert_eq!(answer["code"], 5, "{client}: {answer}");
        assert_eq!(answer["message"], "no user is called \"nobody\"", "{client}");
        let details = answer["details"].to_string();
        assert!(details.contains("google.rpc.ResourceInfo"), "{client}: {details}");
    }
    Ok(())
}

#[tokio::test]
async fn metadata_of_a_response_can_be_read() -> Result<()> {
    let setup = Setup::start().await?;
    let function = "pushback({ attempts: 1, code: 14, pushbackMs: 7 })";
    for (client, answer) in setup.run(&CLIENTS, function).await? {
        assert_eq!((&answer["code"], &answer["pushback"]), (&json!(14), &json!("7")), "{client}: {answer}");
    }
    Ok(())
}
