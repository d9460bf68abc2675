//! `cargo xtask nightly`: everything that takes longer than CI may, by hand, before a release or after a change that may cost
//! time or memory.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{bench, picture, soak};
use crate::steps::Steps;

/// How many streams [`soak`] opens and leaves one after the other, and how many it holds open at a time.
const STREAMS: u32 = 100_000;
const IDLE: u32 = 20_000;

/// Runs all steps, also when one has failed, and then fails with the first failure.
pub(crate) fn nightly(sh: &Shell, steps: &mut Steps) -> Result<()> {
    let results = [
        steps.step("bench", || bench::bench(sh)),
        steps.step("soak", || soak::soak(sh, STREAMS, IDLE)),
        steps.step("picture", || picture::picture(sh)),
    ];
    results.into_iter().collect()
}
