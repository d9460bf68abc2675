//! The browser engines and their drivers.

use std::{env, path::PathBuf};

use serde_json::{Map, Value, json};

/// Headless, as root, and without requests to servers other than the one under test.
const CHROMIUM_FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chromium, from `CHROME` or where chromedriver finds it, through `CHROMEDRIVER` or the chromedriver on the `PATH`.
    Chromium,
    /// Firefox, from `FIREFOX` or where geckodriver finds it, through `GECKODRIVER` or the geckodriver on the `PATH`.
    Firefox,
}

impl Engine {
    /// Returns the driver's program.
    pub(crate) fn driver(self) -> PathBuf {
        let (variable, default) = match self {
            Self::Chromium => ("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => ("GECKODRIVER", "geckodriver"),
        };
        env::var_os(variable).map_or_else(|| default.into(), PathBuf::from)
    }

    /// Returns the capabilities of a headless browser that accepts any certificate, with additional `flags`.
    pub(crate) fn capabilities(self, flags: Vec<String>) -> Map<String, Value> {
        let (name, options, variable, headless) = match self {
            Self::Chromium => ("chrome", "goog:chromeOptions", "CHROME", &CHROMIUM_FLAGS[..]),
            Self::Firefox => ("firefox", "moz:firefoxOptions", "FIREFOX", &["-headless"][..]),
        };
        let args: Vec<String> = headless.iter().map(ToString::to_string).chain(flags).collect();
        let mut own = json!({ "args": args });
        if let Some(path) = env::var_os(variable).map(PathBuf::from) {
            own["binary"] = json!(path);
        }
        Map::from_iter([
            ("browserName".to_owned(), json!(name)),
            ("acceptInsecureCerts".to_owned(), json!(true)),
            (options.to_owned(), own),
        ])
    }
}
