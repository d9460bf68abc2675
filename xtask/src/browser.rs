//! Chromium and its WebDriver server, for the tests that need a browser.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::packages;

/// What to do if there is no browser and it cannot be installed.
const HELP: &str = "install both (Debian: `apt-get install chromium chromium-driver`; macOS: `brew install --cask \
    google-chrome chromedriver`; elsewhere: https://googlechromelabs.github.io/chrome-for-testing/), or set the \
    environment variables CHROME and CHROMEDRIVER to their paths";

/// A browser and the driver of the same version.
pub(crate) struct Browser {
    /// The browser's program.
    pub(crate) chrome: PathBuf,
    /// The WebDriver server's program.
    pub(crate) chromedriver: PathBuf,
}

/// One of the two programs, and where it may be.
struct Program {
    variable: &'static str,
    names: &'static [&'static str],
    places: &'static [&'static str],
}

const CHROME: Program = Program {
    variable: "CHROME",
    names: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
    places: &[
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
};

const CHROMEDRIVER: Program = Program {
    variable: "CHROMEDRIVER",
    names: &["chromedriver", "chromium.chromedriver"],
    places: &[
        "/opt/homebrew/bin/chromedriver",
        "/usr/local/bin/chromedriver",
        "/usr/lib/chromium/chromedriver",
    ],
};

impl Browser {
    /// Finds both programs by their environment variables, on PATH, or in the usual places of macOS. If there are none, installs
    /// Debian's packages, as root or with a sudo that needs no password.
    ///
    /// # Errors
    ///
    /// If a variable is not the path of a program, or if there is no browser in the end. The error says what to install.
    pub(crate) fn ensure(sh: &Shell) -> Result<Self> {
        let mut found = Self::find()?;
        if found.is_none() {
            // Without a font, Chromium draws no text, and the pictures need it.
            let packages = ["chromium", "chromium-driver", "fonts-dejavu-core"];
            let why = "the end-to-end tests run in it";
            packages::install(sh, &packages, "Chromium and chromedriver", why, HELP)?;
            found = Self::find()?;
        }
        let Some(browser) = found else {
            bail!("the packages were installed, but there is still no Chromium with chromedriver: {HELP}");
        };
        println!("Browser: {}", version(sh, &browser.chrome));
        println!("Driver:  {}", version(sh, &browser.chromedriver));
        Ok(browser)
    }

    fn find() -> Result<Option<Self>> {
        let chrome = CHROME.find()?;
        let chromedriver = CHROMEDRIVER.find()?;
        Ok(chrome.zip(chromedriver).map(|(chrome, chromedriver)| Browser { chrome, chromedriver }))
    }
}

impl Program {
    fn find(&self) -> Result<Option<PathBuf>> {
        if let Some(named) = std::env::var_os(self.variable).filter(|value| !value.is_empty()) {
            return match which::which(&named) {
                Ok(path) => Ok(Some(path)),
                Err(_) => {
                    bail!("{} is set to {}: expected the path of a program", self.variable, named.display())
                }
            };
        }
        let on_path = self.names.iter().find_map(|name| which::which(name).ok());
        Ok(on_path.or_else(|| self.places.iter().map(PathBuf::from).find(|path| path.is_file())))
    }
}

fn version(sh: &Shell, program: &Path) -> String {
    let output = cmd!(sh, "{program} --version").ignore_stderr().read();
    output.unwrap_or_else(|_| "unknown version".to_owned()) + &format!(" ({})", program.display())
}
