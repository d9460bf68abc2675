//! Valgrind, which counts the instructions of a program.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::Shell;

use crate::packages;

const HELP: &str = "install it (Debian, Ubuntu: `apt-get install valgrind`; Fedora: `dnf install valgrind`)";

/// Finds `valgrind` on PATH, else installs Debian's package, where that is possible without a password.
///
/// # Errors
///
/// When there is no valgrind in the end: the error says how to install it.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    if let Ok(found) = which::which("valgrind") {
        return Ok(found);
    }
    packages::install(
        sh,
        &["valgrind"],
        "valgrind",
        "its callgrind counts the instructions of a call",
        HELP,
    )?;
    match which::which("valgrind") {
        Ok(found) => Ok(found),
        Err(_) => bail!("the package was installed, yet there is no valgrind on PATH: {HELP}"),
    }
}
