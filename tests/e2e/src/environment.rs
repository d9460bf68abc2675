//! The program and the page under test.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// The program and the page under test, from the environment that `cargo xtask test` sets.
pub struct Environment {
    /// The program of the server, from `DRAWBRIDGE_BIN`.
    pub program: PathBuf,
    /// The folder of the built page, from `DRAWBRIDGE_PAGE`.
    pub page: PathBuf,
}

impl Environment {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a variable is not set, with the command that sets it.
    pub fn read() -> Result<Self> {
        let required = |name: &str| {
            env::var_os(name).map(PathBuf::from).with_context(|| {
                format!("{name} is not set. Run `cargo xtask test browser`, which builds the server and sets the variable.")
            })
        };
        Ok(Self { program: required("DRAWBRIDGE_BIN")?, page: required("DRAWBRIDGE_PAGE")? })
    }
}
