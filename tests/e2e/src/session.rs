//! A browser as a process of its own, with a profile of its own.

use std::thread;

use anyhow::{Context, Result};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tempfile::TempDir;

use crate::{Engine, driver::Driver};

/// A running browser with an empty profile, and nothing more. Dropping it ends the process, also when its test panics.
pub struct Session {
    client: Client,
    id: String,
    // Dropped in this order: the driver ends before the profile is deleted under it.
    driver: Driver,
    _profile: Option<TempDir>,
}

impl Session {
    /// Starts a browser with these flags, besides those that every one has. It takes any certificate: the servers under
    /// test make theirs themselves.
    pub async fn start(engine: Engine, mut flags: Vec<String>) -> Result<Self> {
        let driver = Driver::start(engine).await?;
        // Firefox's driver makes a profile by itself, and deletes it.
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
                format!("cannot start {engine:?}. `cargo xtask` finds it, or says what to install.")
            })?;
        let id = client.session_id().await?.context("a started browser has a session")?;
        Ok(Self { client, id, driver, _profile: profile })
    }

    /// Returns the WebDriver client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens `url`, as somebody does who types it into the address bar, and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("cannot open {url}"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.driver.end_session(&self.id)
            && !thread::panicking()
        {
            eprintln!("The browser may still run: {error}");
        }
    }
}
