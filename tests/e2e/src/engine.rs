//! The kinds of browser, and the programs that run one.

use std::{env, path::PathBuf};

use serde_json::{Map, Value, json};

/// Headless, as root, without a word to anybody but the server under test.
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

/// A kind of browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Chromium, from `CHROME` or where chromedriver finds it, through `CHROMEDRIVER` or the chromedriver on the `PATH`.
    Chromium,
    /// Firefox, from `FIREFOX` or where geckodriver finds it, through `GECKODRIVER` or the geckodriver on the `PATH`.
    Firefox,
}

impl Engine {
    /// Returns the program through which a browser of this kind is driven.
    pub(crate) fn driver(self) -> PathBuf {
        let (variable, usual) = match self {
            Self::Chromium => ("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => ("GECKODRIVER", "geckodriver"),
        };
        env::var_os(variable).map_or_else(|| usual.into(), PathBuf::from)
    }

    /// Returns what a driver is to be told, so that it starts a headless browser that takes any certificate, with these
    /// flags besides.
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
