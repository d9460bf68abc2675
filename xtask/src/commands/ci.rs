//! `cargo xtask ci`: all that must pass before a change lands.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{conformance, docs, lint, test};
use crate::steps::Steps;

/// Lints, builds the book, runs every test (the code in the book is among them), and has the protocol's own suite judge.
pub(crate) fn ci(sh: &Shell, steps: &mut Steps) -> Result<()> {
    lint::lint(sh, steps)?;
    docs::book(sh, steps)?;
    test::test(sh, steps, &[], &[])?;
    conformance::conformance(sh, steps, &[])
}
