//! `cargo xtask lint`: format, lints, docs and public APIs, native and for the browser. Every warning is an error.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::commands::{api, deps, tidy};
use crate::steps::Steps;
use crate::workspace::WASM;
use crate::{metadata, toolchain};

/// The crates that run in the browser, or may.
const BROWSER_CRATES: [&str; 8] = [
    "drawbridge-web",
    "drawbridge-fetch",
    "drawbridge-proto",
    "drawbridge-core",
    "drawbridge-json",
    "drawbridge-bench-browser",
    "drawbridge-conformance-page",
    "drawbridge-docs",
];

/// The library whose users choose features.
const LIBRARY: &str = "drawbridge-grpc";

/// The libraries that are documented with their API, features and targets apart.
const DOCUMENTED_APART: [&str; 3] = [LIBRARY, "drawbridge-core", "drawbridge-json"];

/// Runs all static checks.
pub(crate) fn lint(sh: &Shell, steps: &mut Steps) -> Result<()> {
    steps.step("tidy", || tidy::tidy(sh))?;
    steps.step("dependencies", || deps::deps(sh))?;
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
    steps.step("clippy, the library's features", || features(sh))?;
    steps.step("clippy, WASM", || {
        toolchain::ensure_wasm_target(sh)?;
        let browser = BROWSER_CRATES.iter().flat_map(|name| ["--package", name]);
        cmd!(sh, "cargo clippy --locked {browser...} --target {WASM} -- -D warnings").run()?;
        let example = ["--package", "drawbridge-fetch", "--example", "plain"];
        Ok(cmd!(sh, "cargo clippy --locked {example...} --target {WASM} -- -D warnings").run()?)
    })?;
    steps.step("docs", || {
        let apart = DOCUMENTED_APART.iter().flat_map(|name| ["--exclude", name]);
        let docs = cmd!(sh, "cargo doc --locked --workspace --exclude drawbridge-web {apart...} --no-deps");
        Ok(docs.env("RUSTDOCFLAGS", "-D warnings").run()?)
    })?;
    steps.step("public APIs and their docs", || api::api(sh, false))
}

/// Lints the library without features, with each alone, with the default ones, and with all.
///
/// In a build of the whole workspace, the program turns on all of them: a missing `cfg` shows only here.
fn features(sh: &Shell) -> Result<()> {
    let workspace = metadata::workspace(sh)?;
    let packages = workspace.workspace_packages();
    let library = packages.iter().find(|package| package.name.as_str() == LIBRARY);
    let library = library.with_context(|| format!("no package {LIBRARY}"))?;
    let lint = |options: &[&str]| {
        println!("{LIBRARY} {}", options.join(" "));
        let lint = cmd!(sh, "cargo clippy --quiet --locked --package {LIBRARY} {options...} -- -D warnings");
        lint.quiet().run()
    };
    lint(&["--no-default-features"])?;
    for feature in library.features.keys() {
        lint(&["--no-default-features", "--features", feature])?;
    }
    Ok(lint(&["--all-features"])?)
}
