//! `cargo xtask nightly`: everything that takes longer than CI may, by hand, before a release or after a change that may cost
//! time or memory.

use anyhow::Result;
use xshell::Shell;

use crate::commands::{bench, picture, rolling, soak};
use crate::steps::Steps;

/// Runs all steps, also when one has failed, and then fails with the first failure.
pub(crate) fn nightly(sh: &Shell, steps: &mut Steps) -> Result<()> {
    let results = [
        steps.step("bench", || bench::bench(sh, &bench::Options::default())),
        steps.step("soak", || soak::soak(sh, soak::STREAMS, soak::IDLE)),
        steps.step("rolling", || rolling::rolling(sh, rolling::CALLERS, rolling::RESTARTS)),
        steps.step("picture", || picture::picture(sh)),
    ];
    results.into_iter().collect()
}
