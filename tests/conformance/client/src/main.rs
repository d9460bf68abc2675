//! The client under test, outside of the browser: it starts one, and hands it the suite's cases.
//!
//! The runner writes cases to standard input and reads results from standard output, each behind its length; neither is
//! opened here. The page that makes the calls is served from `DRAWBRIDGE_PAGE`, and `DRAWBRIDGE_BROWSER` names the
//! browser, `chromium` or `firefox`. The program ends when all that was asked is answered, or with SIGTERM.

mod desk;
mod runner;

use std::env;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use drawbridge_e2e::{Engine, Session};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use desk::Desk;

#[tokio::main]
async fn main() -> Result<()> {
    let page = env::var_os("DRAWBRIDGE_PAGE")
        .context("DRAWBRIDGE_PAGE does not name the built page. `cargo xtask conformance client` does.")?;
    let engine = engine()?;
    let mut terminate = signal(SignalKind::terminate())?;

    let desk = Arc::new(Desk::new(runner::cases()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(axum::serve(listener, desk::router(Arc::clone(&desk), page.as_ref())).into_future());

    let work = async {
        let session = Session::start(engine, Vec::new()).await?;
        session.goto(&format!("http://{address}/")).await?;
        desk.all_answered().await;
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
        other => bail!("DRAWBRIDGE_BROWSER is `chromium` or `firefox`, not {other:?}"),
    }
}
