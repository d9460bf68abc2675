//! `cargo xtask ci`: everything that must pass before a change is merged.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{conformance, docs, lint, package, test};
use crate::steps::Steps;

/// Lints, builds the book, runs every test (the code in the book is among them), packages the published crates, and runs the
/// protocol's conformance suite.
pub(crate) fn ci(sh: &Shell, steps: &mut Steps) -> Result<()> {
    lint::lint(sh, steps)?;
    docs::book(sh, steps)?;
    test::test(sh, steps, &[], &[])?;
    // After the tests, which build the page.
    steps.step("packages", || package::package(sh, false))?;
    conformance::conformance(sh, steps, &[])
}
