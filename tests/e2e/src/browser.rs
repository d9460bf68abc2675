//! The browser that shows the page, and what it witnesses inside of it.

use std::fmt::{self, Debug};

use anyhow::{Context, Result};
use fantoccini::{
    Client, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    wd::WebDriverCompatibleCommand,
};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::{ParseError, Url};

use crate::{
    Engine, Session,
    patience::{Sight, until},
};

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

/// A running Chromium. Dropping it ends the process, also when its test panics.
pub struct Browser {
    // Dropped in this order: only when the browser has ended may another start.
    session: Session,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Starts a browser with an empty profile, once there is a place for it.
    pub async fn start(back_forward_cache: BackForwardCache) -> Result<Self> {
        let place = PLACES.acquire().await?;
        let flag = match back_forward_cache {
            BackForwardCache::On => None,
            BackForwardCache::Off => Some("--disable-features=BackForwardCache".to_owned()),
        };
        let session = Session::start(Engine::Chromium, flag.into_iter().collect()).await?;
        let browser = Self { session, _place: place };
        browser.inject(include_str!("witness.js")).await?;
        Ok(browser)
    }

    /// Returns the WebDriver client, for what this fixture has no word for.
    pub fn client(&self) -> &Client {
        self.session.client()
    }

    /// Has `script` run in every document of this tab from the next one on, before the document's own.
    pub async fn inject(&self, script: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await?;
        Ok(())
    }

    /// Sends a command of the browser's own protocol, `DevTools`, to this tab.
    pub async fn devtools(&self, method: &'static str, parameters: Value) -> Result<Value> {
        self.client()
            .issue_cmd(DevTools { method, parameters })
            .await
            .with_context(|| format!("{method} failed"))
    }

    /// Opens `url`, as somebody does who types it into the address bar, and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.session.goto(url).await
    }

    /// Clicks on the first element that `css` selects, once there is one that can be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        until(&format!("a click on `{css}`"), async || {
            self.client().find(Locator::Css(css)).await?.click().await?;
            Ok(Sight::Found(()))
        })
        .await
    }

    /// Presses and releases a key, on whatever has the focus. Special keys are [`fantoccini::key::Key`]'s.
    pub async fn press(&self, key: impl Into<char>) -> Result<()> {
        let value = key.into();
        let keys =
            KeyActions::new("keyboard".into()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
        Ok(self.client().perform_actions(keys).await?)
    }

    /// Runs `script` in the page as the body of a function, and returns what it returns.
    pub async fn read<T: DeserializeOwned>(&self, script: &str) -> Result<T> {
        let value = self.client().execute(script, Vec::new()).await?;
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
