//! Each client gets the answers that the server's own page gets: of the services that a server hosts, and of those that a
//! bridge forwards to. The page that they are in has an origin of its own.

use std::future::IntoFuture as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use axum::Router;
use drawbridge_e2e::{BackForwardCache, Browser, Environment, GREETINGS, Server};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

const CLIENTS: [&str; 3] = ["connect-web", "grpc-web", "grpc-web, text"];

/// A server that hosts the services, a bridge that forwards to it, and a browser that has the clients open.
struct Visit {
    hosting: Server,
    forwarding: Server,
    browser: Browser,
}

impl Visit {
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
        let forwarding = Server::start_with(&["--upstream", &upstream, "--allow-origin", &origin]).await?;
        let visit = Self { hosting, forwarding, browser: Browser::start(BackForwardCache::Off).await? };
        visit.browser.goto(&origin).await?;
        let script = "return globalThis.clients !== undefined";
        visit.browser.await_value("the clients", script, |loaded| *loaded).await?;
        Ok(visit)
    }

    /// Puts a question to these clients, with its arguments in JavaScript: to each of them, of each server, and to all at
    /// once. Returns whom it was put to, and the answers.
    async fn ask(&self, clients: &[&str], question: &str) -> Result<Vec<(String, Value)>> {
        let asked: Vec<_> = [("hosted", &self.hosting), ("forwarded", &self.forwarding)]
            .into_iter()
            .flat_map(|(how, server)| clients.iter().map(move |client| (how, server.url(""), *client)))
            .collect();
        let each = asked.iter().map(|(_, url, client)| json!([url, client]));
        let script = format!(
            "return Promise.all({}.map(([url, client]) => globalThis.clients(url)[client].{question}))",
            each.collect::<Value>()
        );
        let answers: Vec<Value> = self.browser.read(&script).await.context(question.to_owned())?;
        Ok(asked.iter().map(|(how, _, client)| format!("{client}, {how}")).zip(answers).collect())
    }
}

#[tokio::test]
async fn a_unary_call_is_answered() -> Result<()> {
    let visit = Visit::start().await?;
    for (client, answer) in visit.ask(&CLIENTS, "unary('ada')").await? {
        assert_eq!(answer, json!({ "answer": "Hello Ada Lovelace" }), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_has_its_ten_messages() -> Result<()> {
    let visit = Visit::start().await?;
    for (client, messages) in visit.ask(&CLIENTS, "stream('k1')").await? {
        let expected: Vec<_> =
            (1..=10).map(|count| format!("key: k1, progress: {}", "+".repeat(count))).collect();
        assert_eq!(messages, json!(expected), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cancelled_ends_on_the_server() -> Result<()> {
    let visit = Visit::start().await?;
    // Over XMLHttpRequest the official client streams in text only: binary is held back until the end.
    let cancelled = visit.ask(&["connect-web", "grpc-web, text"], "cancel('ada')").await?;
    // A forwarded call is one at the server behind the bridge too.
    for server in [&visit.hosting; 4].into_iter().chain([&visit.forwarding; 2]) {
        let end = server.next_call(GREETINGS).await?.end().await?;
        assert_eq!(end.how, "client gone", "{cancelled:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deadline_is_kept() -> Result<()> {
    let visit = Visit::start().await?;
    for (client, answer) in visit.ask(&CLIENTS, "deadline('slow', 300)").await? {
        assert_eq!(answer["code"], 4, "{client}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn an_error_has_its_code_its_words_and_its_details() -> Result<()> {
    let visit = Visit::start().await?;
    for (client, answer) in visit.ask(&CLIENTS, "error('nobody')").await? {
        assert_eq!(answer["code"], 5, "{client}: {answer}");
        assert_eq!(answer["words"], "no user is called \"nobody\"", "{client}");
        let details = answer["details"].to_string();
        assert!(details.contains("google.rpc.ResourceInfo"), "{client}: {details}");
    }
    Ok(())
}

#[tokio::test]
async fn metadata_of_an_answer_can_be_read() -> Result<()> {
    let visit = Visit::start().await?;
    let question = "pushback({ attempts: 1, code: 14, pushbackMs: 7 })";
    for (client, answer) in visit.ask(&CLIENTS, question).await? {
        assert_eq!((&answer["code"], &answer["pushback"]), (&json!(14), &json!("7")), "{client}: {answer}");
    }
    Ok(())
}
