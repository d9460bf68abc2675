//! What cargo says of the workspace's packages and their dependencies.

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use xshell::{Shell, cmd};

/// The packages of the workspace alone. It needs no network.
pub(crate) fn workspace(sh: &Shell) -> Result<Metadata> {
    read(sh, &["--no-deps"])
}

/// The packages of the workspace and all that they depend on. It needs the network when cargo has not downloaded them.
pub(crate) fn with_dependencies(sh: &Shell) -> Result<Metadata> {
    read(sh, &["--all-features"])
}

/// Returns the packages of the workspace that are for the registry.
pub(crate) fn published(metadata: &Metadata) -> Vec<&Package> {
    let is_private = |package: &Package| package.publish.as_ref().is_some_and(Vec::is_empty);
    metadata.workspace_packages().into_iter().filter(|package| !is_private(package)).collect()
}

fn read(sh: &Shell, options: &[&str]) -> Result<Metadata> {
    let json = cmd!(sh, "cargo metadata --locked --format-version 1 {options...}").quiet().read()?;
    MetadataCommand::parse(json).context("the output of `cargo metadata` was not understood")
}
