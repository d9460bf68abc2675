//! Where the parts under test come from.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// The parts that a test run needs, as `cargo xtask test` names them in the environment.
pub struct Environment {
    /// The browser, from `CHROME`. Without it, chromedriver looks in the usual places.
    pub chrome: Option<PathBuf>,
    /// The browser's driver, from `CHROMEDRIVER`, or the one on the `PATH`.
    pub chromedriver: PathBuf,
    /// The server's program, from `DRAWBRIDGE_BIN`.
    pub program: PathBuf,
    /// The folder of the built page, from `DRAWBRIDGE_PAGE`.
    pub page: PathBuf,
}

impl Environment {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a part is not named, in a sentence that tells which command names it.
    pub fn read() -> Result<Self> {
        let part = |name: &str| env::var_os(name).map(PathBuf::from);
        let needed = |name: &str| {
            part(name).with_context(|| {
                format!("{name} is not set. `cargo xtask test` builds the server and the page, and sets it.")
            })
        };
        Ok(Self {
            chrome: part("CHROME"),
            chromedriver: part("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into()),
            program: needed("DRAWBRIDGE_BIN")?,
            page: needed("DRAWBRIDGE_PAGE")?,
        })
    }
}
