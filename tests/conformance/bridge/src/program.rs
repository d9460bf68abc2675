//! Programs of the suite.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// Starts a program of the suite, with pipes to its input and output.
pub(crate) fn start(program: &str) -> Result<Child> {
    Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}
