//! The programs that tests are about.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::toolchain;

/// Builds the server for tests and returns the path of its program.
///
/// It is built along with its tests, which were built before: with the features that they turn on, so that nothing is
/// compiled a second time.
pub(crate) fn build(sh: &Shell) -> Result<PathBuf> {
    build_with_tests(sh, "drawbridge")
}

/// Builds the program of `examples/tonic-web` in the same way.
pub(crate) fn build_tonic_web(sh: &Shell) -> Result<PathBuf> {
    build_with_tests(sh, "drawbridge-example-tonic-web")
}

fn build_with_tests(sh: &Shell, program: &str) -> Result<PathBuf> {
    toolchain::ensure_c_compiler()?;
    let messages = cmd!(sh, "cargo build --locked --bins --tests --message-format=json-render-diagnostics")
        .read()
        .context("the server was not built; the compiler's own words are above")?;
    program_in(&messages, program).with_context(|| format!("cargo built no program of the name {program}"))
}

/// Builds the server in release, as it is shipped but for its page, and returns the path of its program.
pub(crate) fn build_release(sh: &Shell) -> Result<PathBuf> {
    toolchain::ensure_c_compiler()?;
    let messages = cmd!(
        sh,
        "cargo build --locked --release --package drawbridge --message-format=json-render-diagnostics"
    )
    .read()
    .context("the server was not built; the compiler's own words are above")?;
    program_in(&messages, "drawbridge").context("cargo built no program of the name drawbridge")
}

/// Builds the program of a package that has its name, and returns the program's path.
pub(crate) fn build_package(sh: &Shell, package: &str) -> Result<PathBuf> {
    toolchain::ensure_c_compiler()?;
    let messages =
        cmd!(sh, "cargo build --locked --package {package} --message-format=json-render-diagnostics")
            .read()
            .with_context(|| format!("{package} was not built; the compiler's own words are above"))?;
    program_in(&messages, package).with_context(|| format!("cargo built no program of the name {package}"))
}

/// Finds the program `name` among cargo's messages, one JSON object a line.
fn program_in(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name && message["profile"]["test"] == false)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_told_from_the_library_and_from_its_unit_tests() {
        let messages = r#"
            {"reason":"compiler-artifact","target":{"name":"drawbridge","kind":["lib"]},"profile":{"test":false},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"drawbridge","kind":["bin"]},"profile":{"test":true},"executable":"/t/deps/drawbridge-1"}
            {"reason":"compiler-artifact","target":{"name":"drawbridge","kind":["bin"]},"profile":{"test":false},"executable":"/t/drawbridge"}
            {"reason":"build-finished","success":true}
        "#;
        assert_eq!(program_in(messages, "drawbridge"), Some(PathBuf::from("/t/drawbridge")));
        assert_eq!(program_in("", "drawbridge"), None);
    }
}
