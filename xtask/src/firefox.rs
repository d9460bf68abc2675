//! A Firefox and its WebDriver, for the suite that judges the browser transport.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::packages;
use crate::tools::Tool;

/// What to do when there is no Firefox and none may be installed.
const HELP: &str = "install it (Debian: `apt-get install firefox-esr`; elsewhere: https://www.firefox.com), or name it in the \
    environment variable FIREFOX";

/// A browser and a driver for it.
pub(crate) struct Firefox {
    /// The browser's program.
    pub(crate) firefox: PathBuf,
    /// The WebDriver server's program.
    pub(crate) geckodriver: PathBuf,
}

impl Firefox {
    /// Finds the browser by its environment variable or on PATH, else installs Debian's package, when it may. The driver
    /// is installed into `.tools/`.
    pub(crate) fn ensure(sh: &Shell) -> Result<Self> {
        let mut firefox = find();
        if firefox.is_none() {
            let why = "the conformance suite judges the browser transport in it";
            packages::install(sh, &["firefox-esr"], "Firefox", why, HELP)?;
            firefox = find();
        }
        let Some(firefox) = firefox else {
            bail!("the package was installed, yet there is no Firefox: {HELP}");
        };
        Ok(Firefox { firefox, geckodriver: Tool::geckodriver().ensure(sh)? })
    }
}

fn find() -> Option<PathBuf> {
    let named = std::env::var_os("FIREFOX").filter(|value| !value.is_empty());
    let usual = ["firefox-esr".into(), "firefox".into()];
    named.into_iter().chain(usual).find_map(|name| which::which(name).ok())
}
