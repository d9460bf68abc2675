//! `cargo xtask trunk-hook`: what Trunk runs before and after its build of the page (`Trunk.toml`).

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use xshell::Shell;

use crate::{page, workspace};

/// When Trunk runs the hook.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Stage {
    /// Join the style sheets
    PreBuild,
    /// Split and shorten the program
    PostBuild,
}

/// Runs the hook. Trunk sets the environment variables.
pub(crate) fn trunk_hook(sh: &Shell, stage: Stage) -> Result<()> {
    match stage {
        Stage::PreBuild => page::styles::join(workspace::root()),
        Stage::PostBuild => {
            let staging = std::env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
            let staging = staging.context("TRUNK_STAGING_DIR is not set: only Trunk runs this command")?;
            let release = std::env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release");
            page::finish::finish(sh, &staging, &page::finish::compiled(release), release)
        }
    }
}
