//! `cargo xtask picture`.

use anyhow::{Result, bail};
use xshell::Shell;

pub(crate) fn picture(_sh: &Shell) -> Result<()> {
    bail!("not yet")
}
