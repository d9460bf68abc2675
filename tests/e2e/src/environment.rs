//! Where the parts under test come from.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// The parts that a test run needs, as `cargo xtask test` names them in the environment.
#[derive(Clone, Debug)]
pub struct Environment {
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
        Ok(Self { program: needed("DRAWBRIDGE_BIN")?, page: needed("DRAWBRIDGE_PAGE")? })
    }

    /// Reads the environment, with the program of `examples/tonic-web`, from `DRAWBRIDGE_TONIC_WEB_BIN`, as the server's.
    ///
    /// # Errors
    ///
    /// When a part is not named, in a sentence that tells which command names it.
    pub fn read_with_tonic_web() -> Result<Self> {
        Ok(Self { program: needed("DRAWBRIDGE_TONIC_WEB_BIN")?, page: needed("DRAWBRIDGE_PAGE")? })
    }
}

fn needed(name: &str) -> Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).with_context(|| {
        format!("{name} is not set. `cargo xtask test` builds the server and the page, and sets it.")
    })
}
