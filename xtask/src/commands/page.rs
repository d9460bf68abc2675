//! `cargo xtask page`: the page in `dist/`, and what its first load weighs.

use anyhow::Result;
use xshell::Shell;

use crate::first_load::FirstLoad;
use crate::{page, workspace};

/// Builds the page and holds its first load to the limit.
pub(crate) fn page(sh: &Shell) -> Result<()> {
    page::build(sh)?;
    FirstLoad::of(&workspace::dist())?.report()
}
