//! The native part of the client under test: starts a browser, and hands the suite's cases to the page in it.
//!
//! The runner writes cases to standard input and reads results from standard output, each with a length prefix; they are
//! passed on as bytes. The page is served from the folder `DRAWBRIDGE_PAGE`, and `DRAWBRIDGE_BROWSER` is `chromium` or
//! `firefox`. The program exits when all cases have results, or at SIGTERM.

mod case_queue;
mod runner;

use std::env;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use drawbridge_e2e::{Engine, Session};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use case_queue::CaseQueue;

#[tokio::main]
async fn main() -> Result<()> {
    let page = env::var_os("DRAWBRIDGE_PAGE")
        .context("DRAWBRIDGE_PAGE is not set to the folder of the built page; `cargo xtask conformance client` sets it")?;
    let engine = engine()?;
    let mut terminate = signal(SignalKind::terminate())?;

    let queue = Arc::new(CaseQueue::new(runner::cases()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, case_queue::router(Arc::clone(&queue), page.as_ref())).into_future());

    let work = async {
        let session = Session::start(engine, Vec::new()).await?;
        session.goto(&format!("http://{address}/")).await?;
        queue.all_done().await;
        drop(session);
        Ok(())
    };
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => Ok(()),
    }
}

fn engine() -> Result<Engine> {
    match env::var("DRAWBRIDGE_BROWSER").as_deref() {
        Ok("chromium") | Err(env::VarError::NotPresent) => Ok(Engine::Chromium),
        Ok("firefox") => Ok(Engine::Firefox),
        other => bail!("DRAWBRIDGE_BROWSER is {other:?}: expected `chromium` or `firefox`"),
    }
}
