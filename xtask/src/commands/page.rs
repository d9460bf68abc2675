//! `cargo xtask page`: builds the page into `dist/` and prints the size of its first load.

use anyhow::Result;
use xshell::Shell;

use crate::first_load::FirstLoad;
use crate::{page, workspace};

/// Builds the page, and fails if its first load is over the limit.
pub(crate) fn page(sh: &Shell) -> Result<()> {
    page::build(sh)?;
    FirstLoad::of(&workspace::dist())?.report()
}
