//! Builds the programs that tests and commands run.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::toolchain;

/// The name of the server's program.
const PROGRAM: &str = "drawbridge";

/// Builds the server for tests and returns the path of its program.
///
/// It is built along with its tests, which were built before: with the features that they turn on, so that nothing is
/// compiled a second time.
pub(crate) fn build(sh: &Shell) -> Result<PathBuf> {
    build_with_tests(sh, PROGRAM)
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

/// Builds the server in release and returns the path of its program.
///
/// It searches the workspace in the shell's current folder for the package with the program.
pub(crate) fn build_release(sh: &Shell) -> Result<PathBuf> {
    let metadata = cmd!(sh, "cargo metadata --locked --no-deps --format-version 1").read()?;
    let package = package_of(&metadata, PROGRAM)
        .with_context(|| format!("no package of the workspace has a program {PROGRAM}"))?;
    let [program] = build_release_of(sh, &package, [PROGRAM])?;
    Ok(program)
}

/// Builds the programs of a package in release, and returns the paths of the programs `names`.
pub(crate) fn build_release_of<const N: usize>(
    sh: &Shell,
    package: &str,
    names: [&str; N],
) -> Result<[PathBuf; N]> {
    toolchain::ensure_c_compiler()?;
    let messages = cmd!(
        sh,
        "cargo build --locked --release --package {package} --bins --message-format=json-render-diagnostics"
    )
    .read()
    .with_context(|| format!("{package} was not built; the compiler's output is above"))?;
    let mut programs = names.map(|_| PathBuf::new());
    for (program, name) in programs.iter_mut().zip(names) {
        *program = program_in(&messages, name)
            .with_context(|| format!("cargo built no program of the name {name}"))?;
    }
    Ok(programs)
}

/// Builds the program of a package with the same name, and returns its path.
pub(crate) fn build_package(sh: &Shell, package: &str) -> Result<PathBuf> {
    toolchain::ensure_c_compiler()?;
    let messages =
        cmd!(sh, "cargo build --locked --package {package} --message-format=json-render-diagnostics")
            .read()
            .with_context(|| format!("{package} was not built; the compiler's output is above"))?;
    program_in(&messages, package).with_context(|| format!("cargo built no program of the name {package}"))
}

/// Finds the package that has the program `name` in the output of `cargo metadata`.
fn package_of(metadata: &str, name: &str) -> Option<String> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let has_program = |package: &&Value| {
        let mut targets = package["targets"].as_array().into_iter().flatten();
        targets.any(|target| target["name"] == name && target["kind"][0] == "bin")
    };
    let package = metadata["packages"].as_array()?.iter().find(has_program)?;
    Some(package["name"].as_str()?.to_owned())
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
    fn the_package_is_found_by_its_program() {
        let metadata = r#"{"packages":[
            {"name":"drawbridge-grpc","targets":[{"name":"drawbridge","kind":["lib"]}]},
            {"name":"drawbridge-gateway","targets":[{"name":"it","kind":["test"]},{"name":"drawbridge","kind":["bin"]}]}
        ]}"#;
        assert_eq!(package_of(metadata, "drawbridge").as_deref(), Some("drawbridge-gateway"));
        assert_eq!(package_of(metadata, "trunk"), None);
        assert_eq!(package_of("no JSON", "drawbridge"), None);
    }

    #[test]
    fn the_program_is_found_beside_a_library_and_unit_tests_of_its_name() {
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
