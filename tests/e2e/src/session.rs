//! A browser process.

use std::thread;

use anyhow::{Context, Result};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tempfile::TempDir;

use crate::{Engine, driver::Driver};

/// A running browser with an empty profile. Dropping it ends the process, even when the test panics.
pub struct Session {
    client: Client,
    id: String,
    // Dropped in this order: the driver exits before its profile is deleted.
    driver: Driver,
    _profile: Option<TempDir>,
}

impl Session {
    /// Starts a browser with additional `flags`. It accepts any certificate, because the servers under test create their own.
    pub async fn start(engine: Engine, mut flags: Vec<String>) -> Result<Self> {
        let driver = Driver::start(engine).await?;
        // Firefox's driver creates and deletes its own profile.
        let profile = match engine {
            Engine::Chromium => Some(TempDir::with_prefix("drawbridge-e2e-")?),
            Engine::Firefox => None,
        };
        if let Some(profile) = &profile {
            flags.push(format!("--user-data-dir={}", profile.path().display()));
        }
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(engine.capabilities(flags))
            .connect(&driver.url())
            .await
            .with_context(|| {
                format!("cannot start {engine:?}. Run the tests with `cargo xtask test browser`, which finds or installs it.")
            })?;
        let id = client.session_id().await?.context("a started browser has a session")?;
        Ok(Self { client, id, driver, _profile: profile })
    }

    /// Returns the WebDriver client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens `url`, as from the address bar, and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("cannot open {url}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.driver.end_session(&self.id)
            && !thread::panicking()
        {
            eprintln!("The browser may still be running: {error}");
        }
    }
}
