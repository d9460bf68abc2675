//! Rustdoc's JSON, which only a nightly compiler writes, or one that `RUSTC_BOOTSTRAP` lets do so.
//!
//! Build scripts of dependencies read that variable too, and cargo would compile most of them a second time. So only rustdoc
//! gets it: cargo runs this program in rustdoc's place, and this program runs rustdoc.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::metadata;

/// Set if cargo runs this program in the place of rustdoc.
const IS_RUSTDOC: &str = "XTASK_IS_RUSTDOC";

/// Runs rustdoc with this process' arguments if cargo called it in rustdoc's place, and returns its exit code.
pub(crate) fn stand_in() -> Option<ExitCode> {
    std::env::var_os(IS_RUSTDOC)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(std::env::args_os().skip(1)).env_remove(IS_RUSTDOC).env("RUSTC_BOOTSTRAP", "1");
    match rustdoc.status() {
        Ok(status) if status.success() => Some(ExitCode::SUCCESS),
        Ok(_) => Some(ExitCode::FAILURE),
        Err(error) => {
            eprintln!("error: rustdoc did not start: {error}");
            Some(ExitCode::FAILURE)
        }
    }
}

/// Writes the JSON of the library `package` with all features and returns its path. `target` is a target triple, or the host.
///
/// # Errors
///
/// When the library does not compile, or its docs have a warning, such as a broken link.
pub(crate) fn json(sh: &Shell, package: &str, library: &str, target: Option<&str>) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program does not know its own path")?;
    let option: Vec<OsString> = target.iter().flat_map(|target| ["--target".into(), target.into()]).collect();
    let output = ["-Zunstable-options", "--output-format=json"];
    cmd!(sh, "cargo rustdoc --locked --package {package} --lib --all-features {option...} -- {output...}")
        .env("RUSTDOC", this)
        .env(IS_RUSTDOC, "1")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
        .with_context(|| format!("rustdoc wrote no JSON of {package}; its output is above"))?;
    let folder = metadata::workspace(sh)?.target_directory.join(target.unwrap_or_default());
    Ok(folder.join("doc").join(format!("{library}.json")).into())
}
