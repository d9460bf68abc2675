//! The programs of the protocol's conformance suite, which Go installs.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace;

/// The module that has the suite, in one version: its contracts are compiled by the same file.
const MODULE: &str = include_str!("../../tests/conformance/module");

/// Returns the path of the suite's program `name`, which is installed into `.tools/` when it is not there.
pub(crate) fn ensure_conformance(sh: &Shell, name: &str) -> Result<PathBuf> {
    ensure_go()?;
    let (module, version) = MODULE.split_once('@').context("tests/conformance/module names no version")?;
    let folder = workspace::tools().join("conformance").join(version);
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        println!(
            "Installing {name} of the protocol's conformance suite into .tools/, through Go. This takes minutes, once."
        );
        cmd!(sh, "go install {module}/cmd/{name}@{version}")
            .env("GOBIN", &folder)
            .run()
            .context("Go could not install it; its own words are above. The first run needs the network")?;
    }
    Ok(program)
}

/// Sees to it that there is a Go, which the suite is written in.
fn ensure_go() -> Result<()> {
    if which::which("go").is_err() {
        bail!(
            "no Go, which the conformance suite needs: install Go 1.24 or newer from https://go.dev/dl or your packages"
        );
    }
    Ok(())
}
