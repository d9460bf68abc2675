//! `cargo xtask ci`: all that must pass before a change lands.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{conformance, lint, test};
use crate::steps::Steps;

/// Lints, runs every test, and has the protocol's own suite judge.
pub(crate) fn ci(sh: &Shell, steps: &mut Steps) -> Result<()> {
    lint::lint(sh, steps)?;
    test::test(sh, steps, &[], &[])?;
    conformance::conformance(sh, steps, &[])
}
