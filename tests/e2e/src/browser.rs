//! The browser that shows the page.

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
    wait::{Look, wait_for},
};

/// Limits how many browsers run at once. Each uses more than one core while it starts.
static SLOTS: Semaphore = Semaphore::const_new(4);

/// Whether the browser keeps a page for the back button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackForwardCache {
    /// The default: back shows the same document, with `persisted` true.
    On,
    /// Back reloads the page.
    Off,
}

/// The preferred colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on a light background.
    Light,
    /// Light text on a dark background.
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

/// The size of a screen in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The width.
    pub width: u32,
    /// The height.
    pub height: u32,
    /// Whether the screen has a device pixel ratio of 2 and touch, as a phone has.
    pub phone: bool,
}

/// A running Chromium. Dropping it ends the process, even when the test panics.
pub struct Browser {
    // Dropped in this order: another browser may start only when this one has exited.
    session: Session,
    _slot: SemaphorePermit<'static>,
}

impl Browser {
    /// Waits for a slot and starts a browser with an empty profile.
    pub async fn start(back_forward_cache: BackForwardCache) -> Result<Self> {
        let slot = SLOTS.acquire().await?;
        let flag = match back_forward_cache {
            BackForwardCache::On => None,
            BackForwardCache::Off => Some("--disable-features=BackForwardCache".to_owned()),
        };
        let session = Session::start(Engine::Chromium, flag.into_iter().collect()).await?;
        let browser = Self { session, _slot: slot };
        browser.inject(include_str!("recorder.js")).await?;
        Ok(browser)
    }

    /// Returns the WebDriver client.
    pub fn client(&self) -> &Client {
        self.session.client()
    }

    /// Runs `script` in every later document of this tab, before the document's own scripts.
    pub async fn inject(&self, script: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await?;
        Ok(())
    }

    /// Sends a `DevTools` command to this tab.
    pub async fn devtools(&self, method: &'static str, parameters: Value) -> Result<Value> {
        self.client()
            .issue_cmd(DevTools { method, parameters })
            .await
            .with_context(|| format!("{method} failed"))
    }

    /// Opens `url`, as from the address bar, and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.session.goto(url).await
    }

    /// Clicks the first element that `css` selects, once it can be clicked.
    pub async fn click(&self, css: &str) -> Result<()> {
        wait_for(&format!("a click on `{css}`"), async || {
            self.client().find(Locator::Css(css)).await?.click().await?;
            Ok(Look::Found(()))
        })
        .await
    }

    /// Presses and releases a key. Special keys are in [`fantoccini::key::Key`].
    pub async fn press(&self, key: impl Into<char>) -> Result<()> {
        let value = key.into();
        let keys =
            KeyActions::new("keyboard".into()).then(KeyAction::Down { value }).then(KeyAction::Up { value });
        Ok(self.client().perform_actions(keys).await?)
    }

    /// Runs `script` in the page as the body of a function, and returns its result.
    pub async fn read<T: DeserializeOwned>(&self, script: &str) -> Result<T> {
        let value = self.client().execute(script, Vec::new()).await?;
        serde_json::from_value(value.clone()).with_context(|| format!("`{script}` returned {value}"))
    }

    /// Runs `script` until its result matches.
    pub async fn await_value<T: DeserializeOwned + Debug>(
        &self,
        what: &str,
        script: &str,
        matches: impl Fn(&T) -> bool,
    ) -> Result<T> {
        wait_for(what, async || {
            let value = self.read(script).await?;
            Ok(if matches(&value) { Look::Found(value) } else { Look::NotYet(format!("{value:?}")) })
        })
        .await
    }

    /// Emulates a screen of this size, this colour scheme, and reduced motion.
    pub async fn emulate(&self, size: Size, theme: Theme) -> Result<()> {
        let Size { width, height, phone } = size;
        let scale = if phone { 2 } else { 1 };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        let scheme = json!({ "name": "prefers-color-scheme", "value": theme.to_string() });
        // A screenshot during a transition would mix the colours of both themes.
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [scheme, motion] })).await?;
        Ok(())
    }
}

/// A `DevTools` command, as chromedriver accepts it.
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
