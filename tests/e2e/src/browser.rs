//! The browser, as a process of its own with a profile of its own.

use std::{
    fmt::{self, Debug},
    thread,
};

use anyhow::{Context, Result, bail};
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{ParseError, Url};

use crate::{
    Environment,
    driver::Driver,
    patience::{Sight, until},
};

/// Headless, as root, without a word to anybody but the server under test.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How many browsers run at once at most. Each keeps more than one core busy while it starts.
static PLACES: Semaphore = Semaphore::const_new(4);

/// Whether the browser may keep a page that was left, to show it again as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackForwardCache {
    /// It keeps the page, as a user's browser does: back shows the same document, with `persisted` true.
    On,
    /// It keeps nothing: back loads the page anew.
    Off,
}

/// A colour scheme that the user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

/// A screen, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
    /// Whether it is a phone's: twice as dense, and touched.
    pub phone: bool,
}

/// A running browser. Dropping it ends the process, also when its test panics.
pub struct Browser {
    client: Client,
    session: String,
    // Dropped in this order: the driver ends before the profile is deleted under it, and only then another may start.
    driver: Driver,
    _profile: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts a browser with an empty profile, once there is a place for it.
    pub async fn start(back_forward_cache: BackForwardCache) -> Result<Self> {
        let place = PLACES.acquire().await?;
        let environment = Environment::read()?;
        let driver = Driver::start(&environment).await?;
        let profile = TempDir::with_prefix("drawbridge-e2e-")?;
        let mut flags: Vec<String> = FLAGS.map(String::from).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        if back_forward_cache == BackForwardCache::Off {
            flags.push("--disable-features=BackForwardCache".into());
        }
        let mut chrome = json!({ "args": flags });
        if let Some(path) = environment.chrome {
            chrome["binary"] = json!(path);
        }
        let Value::Object(capabilities) = json!({
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            // The server under test makes its certificate itself.
            "acceptInsecureCerts": true,
        }) else {
            bail!("an object stays an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url())
            .await
            .context("cannot start Chromium. `cargo xtask test` finds it, or says what to install.")?;
        let session = client.session_id().await?.context("a started browser has a session")?;
        let browser = Self { client, session, driver, _profile: profile, _place: place };
        browser.inject(include_str!("witness.js")).await?;
        Ok(browser)
    }

    /// Returns the WebDriver client, for what this fixture has no word for.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Has `script` run in every document of this tab from the next one on, before the document's own.
    pub async fn inject(&self, script: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await?;
        Ok(())
    }

    /// Sends a command of the browser's own protocol, `DevTools`, to this tab.
    pub async fn devtools(&self, method: &'static str, parameters: Value) -> Result<Value> {
        self.client
            .issue_cmd(DevTools { method, parameters })
            .await
            .with_context(|| format!("{method} failed"))
    }

    /// Opens `url`, as somebody does who types it into the address bar, and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.client.goto(url).await.with_context(|| format!("cannot open {url}"))
    }

    /// Clicks on the first element that `css` selects, once there is one that can be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        until(&format!("a click on `{css}`"), async || {
            self.client.find(Locator::Css(css)).await?.click().await?;
            Ok(Sight::Found(()))
        })
        .await
    }

    /// Presses and releases a key, on whatever has the focus. Special keys are [`fantoccini::key::Key`]'s.
    pub async fn press(&self, key: impl Into<char>) -> Result<()> {
        let value = key.into();
        let keys =
            KeyActions::new("keyboard".into()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
        Ok(self.client.perform_actions(keys).await?)
    }

    /// Runs `script` in the page as the body of a function, and returns what it returns.
    pub async fn read<T: DeserializeOwned>(&self, script: &str) -> Result<T> {
        let value = self.client.execute(script, Vec::new()).await?;
        serde_json::from_value(value.clone()).with_context(|| format!("`{script}` returned {value}"))
    }

    /// Waits until `script` returns what is `wanted`.
    pub async fn await_value<T: DeserializeOwned + Debug>(
        &self,
        what: &str,
        script: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<T> {
        until(what, async || {
            let value = self.read(script).await?;
            Ok(if wanted(&value) { Sight::Found(value) } else { Sight::Other(format!("{value:?}")) })
        })
        .await
    }

    /// Shows the page as if on a screen of `size`, to a user who prefers `theme`, and with nothing that moves.
    pub async fn emulate(&self, size: Size, theme: Theme) -> Result<()> {
        let Size { width, height, phone } = size;
        let scale = if phone { 2 } else { 1 };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        let scheme = json!({ "name": "prefers-color-scheme", "value": theme.to_string() });
        // A colour on its way from one theme to the other belongs to neither.
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [scheme, motion] })).await?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Err(error) = self.driver.end_session(&self.session)
            && !thread::panicking()
        {
            eprintln!("The browser may still run: {error}");
        }
    }
}

/// A command of the browser's own protocol, as chromedriver takes it.
#[derive(Debug)]
struct DevTools {
    method: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "cmd": self.method, "params": self.parameters }).to_string()))
    }
}
