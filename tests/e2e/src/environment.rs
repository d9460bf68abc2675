//! The program and the page under test.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// The program and the page under test, from the environment that `cargo xtask test` sets.
#[derive(Clone, Debug)]
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
        Ok(Self { program: required("DRAWBRIDGE_BIN")?, page: required("DRAWBRIDGE_PAGE")? })
    }

    /// Reads the environment, with the program of `examples/tonic-web`, from `DRAWBRIDGE_TONIC_WEB_BIN`, as the server.
    ///
    /// # Errors
    ///
    /// When a variable is not set, with the command that sets it.
    pub fn read_with_tonic_web() -> Result<Self> {
        Ok(Self { program: required("DRAWBRIDGE_TONIC_WEB_BIN")?, page: required("DRAWBRIDGE_PAGE")? })
    }
}

fn required(name: &str) -> Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).with_context(|| {
        format!("{name} is not set. Run `cargo xtask test browser`, which builds the servers and sets the variable.")
    })
}
