//! `cargo xtask lint`: form, native and for the browser, with every warning an error.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::commands::tidy;
use crate::steps::Steps;
use crate::toolchain;
use crate::workspace::WASM;

/// The crates that run in the browser.
const BROWSER_CRATES: [&str; 6] = [
    "drawbridge-web",
    "drawbridge-fetch",
    "drawbridge-proto",
    "drawbridge-core",
    "drawbridge-conformance-page",
    "drawbridge-docs",
];

/// Checks the form of everything.
pub(crate) fn lint(sh: &Shell, steps: &mut Steps) -> Result<()> {
    steps.step("tidy", || tidy::tidy(sh))?;
    steps.step("rustfmt", || {
        toolchain::ensure_component(sh, "rustfmt")?;
        Ok(cmd!(sh, "cargo fmt --all --check").run()?)
    })?;
    steps.step("clippy, native", || {
        toolchain::ensure_component(sh, "clippy")?;
        toolchain::ensure_c_compiler()?;
        let native = ["--workspace", "--exclude", "drawbridge-web"];
        Ok(cmd!(sh, "cargo clippy --locked {native...} --all-targets -- -D warnings").run()?)
    })?;
    steps.step("clippy, WASM", || {
        toolchain::ensure_wasm_target(sh)?;
        let browser = BROWSER_CRATES.iter().flat_map(|name| ["--package", name]);
        cmd!(sh, "cargo clippy --locked {browser...} --target {WASM} -- -D warnings").run()?;
        let example = ["--package", "drawbridge-fetch", "--example", "plain"];
        Ok(cmd!(sh, "cargo clippy --locked {example...} --target {WASM} -- -D warnings").run()?)
    })?;
    steps.step("docs", || {
        let native = cmd!(sh, "cargo doc --locked --workspace --exclude drawbridge-web --no-deps");
        native.env("RUSTDOCFLAGS", "-D warnings").run()?;
        let browser = cmd!(sh, "cargo doc --locked --package drawbridge-fetch --target {WASM} --no-deps");
        Ok(browser.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })
}
