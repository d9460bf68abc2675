//! `cargo xtask ci`: all that must pass before a change lands.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{lint, test};
use crate::steps::Steps;

/// Lints, then runs every test.
pub(crate) fn ci(sh: &Shell, steps: &mut Steps) -> Result<()> {
    lint::lint(sh, steps)?;
    test::test(sh, steps, &[], &[])
}
