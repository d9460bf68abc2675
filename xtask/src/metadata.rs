//! What cargo says of the workspace's packages and their dependencies.

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use xshell::{Shell, cmd};

/// The packages of the workspace alone. It needs no network.
pub(crate) fn workspace(sh: &Shell) -> Result<Metadata> {
    read(sh, &["--no-deps"])
}

fn read(sh: &Shell, options: &[&str]) -> Result<Metadata> {
    let json = cmd!(sh, "cargo metadata --locked --format-version 1 {options...}").quiet().read()?;
    MetadataCommand::parse(json).context("the output of `cargo metadata` was not understood")
}
