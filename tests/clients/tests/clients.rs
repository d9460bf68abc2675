//! Each client gets the answers that the server's own page gets.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use drawbridge_e2e::{BackForwardCache, Browser, Environment, GREETINGS, Server};
use serde_json::{Value, json};

const CLIENTS: [&str; 3] = ["connect-web", "grpc-web", "grpc-web, text"];

/// A server that serves the clients in the place of its page, and a browser that has them open.
struct Visit {
    server: Server,
    browser: Browser,
}

impl Visit {
    async fn start() -> Result<Self> {
        let page: PathBuf = Environment::read()?.page;
        std::fs::write(page.join("descriptors.bin"), drawbridge_proto::FILE_DESCRIPTOR_SET)
            .with_context(|| format!("cannot write to {}", page.display()))?;
        let visit =
            Self { server: Server::start().await?, browser: Browser::start(BackForwardCache::Off).await? };
        visit.browser.goto(&visit.server.url("/")).await?;
        let script = "return globalThis.clients !== undefined";
        visit.browser.await_value("the clients", script, |loaded| *loaded).await?;
        Ok(visit)
    }

    /// Puts a question to a client, with its arguments in JavaScript.
    async fn ask(&self, client: &str, question: &str) -> Result<Value> {
        let script = format!("return globalThis.clients[{client:?}].{question}");
        self.browser.read(&script).await.with_context(|| format!("{client}: {question}"))
    }
}

#[tokio::test]
async fn a_unary_call_is_answered() -> Result<()> {
    let visit = Visit::start().await?;
    for client in CLIENTS {
        let answer = visit.ask(client, "unary('ada')").await?;
        assert_eq!(answer, json!({ "answer": "Hello Ada Lovelace" }), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_has_its_ten_messages() -> Result<()> {
    let visit = Visit::start().await?;
    // The three at once: each takes ten seconds.
    let script = format!(
        "return Promise.all({}.map((name) => globalThis.clients[name].stream('k1')))",
        json!(CLIENTS)
    );
    let answers: Vec<Vec<String>> = visit.browser.read(&script).await?;
    for (client, messages) in CLIENTS.iter().zip(answers) {
        let expected: Vec<_> =
            (1..=10).map(|count| format!("key: k1, progress: {}", "+".repeat(count))).collect();
        assert_eq!(messages, expected, "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_cancelled_ends_on_the_server() -> Result<()> {
    let visit = Visit::start().await?;
    // Over XMLHttpRequest the official client streams in text only: binary is held back until the end.
    for client in ["connect-web", "grpc-web, text"] {
        visit.ask(client, "cancel('ada')").await?;
        let end = visit.server.next_call(GREETINGS).await?.end().await?;
        assert_eq!(end.how, "client gone", "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_deadline_is_kept() -> Result<()> {
    let visit = Visit::start().await?;
    for client in CLIENTS {
        let answer = visit.ask(client, "deadline('slow', 300)").await?;
        assert_eq!(answer["code"], 4, "{client}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn an_error_has_its_code_its_words_and_its_details() -> Result<()> {
    let visit = Visit::start().await?;
    for client in CLIENTS {
        let answer = visit.ask(client, "error('nobody')").await?;
        assert_eq!(answer["code"], 5, "{client}: {answer}");
        assert_eq!(answer["words"], "no user is called \"nobody\"", "{client}");
        let details = answer["details"].to_string();
        assert!(details.contains("google.rpc.ResourceInfo"), "{client}: {details}");
    }
    Ok(())
}
