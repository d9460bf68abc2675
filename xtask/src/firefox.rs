//! Firefox and its WebDriver server, for the conformance suite of the browser transport.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::packages;
use crate::tools::Tool;

/// What to do if there is no Firefox and it cannot be installed.
const HELP: &str = "install it (Debian: `apt-get install firefox-esr`; elsewhere: https://www.firefox.com), or set the \
    environment variable FIREFOX to its path";

/// The browser and its driver.
pub(crate) struct Firefox {
    /// The browser's program.
    pub(crate) firefox: PathBuf,
    /// The WebDriver server's program.
    pub(crate) geckodriver: PathBuf,
}

impl Firefox {
    /// Finds the browser by the environment variable `FIREFOX` or on PATH. If there is none, installs Debian's package, as root
    /// or with a sudo that needs no password. The driver is installed into `.tools/`.
    pub(crate) fn ensure(sh: &Shell) -> Result<Self> {
        let mut firefox = find();
        if firefox.is_none() {
            let why = "the conformance suite tests the browser transport in it";
            packages::install(sh, &["firefox-esr"], "Firefox", why, HELP)?;
            firefox = find();
        }
        let Some(firefox) = firefox else {
            bail!("the package was installed, but there is still no Firefox: {HELP}");
        };
        Ok(Firefox { firefox, geckodriver: Tool::geckodriver().ensure(sh)? })
    }
}

fn find() -> Option<PathBuf> {
    let named = std::env::var_os("FIREFOX").filter(|value| !value.is_empty());
    let usual = ["firefox-esr".into(), "firefox".into()];
    named.into_iter().chain(usual).find_map(|name| which::which(name).ok())
}
