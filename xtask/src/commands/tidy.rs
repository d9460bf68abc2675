//! `cargo xtask tidy`: checks the rules of this workspace that neither the compiler nor clippy checks.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{metadata, modules, workspace};

/// The most lines of a source file. A longer one has more than one concept.
const MAX_LINES: usize = 400;

/// Checks every file that git does not ignore, and the modules of every crate. Reports all faults at once.
pub(crate) fn tidy(sh: &Shell) -> Result<()> {
    let files = cmd!(sh, "git ls-files --cached --others --exclude-standard").read()?;
    let trunk = sh.read_file("Trunk.toml")?;
    let mut faults = Vec::new();
    for path in files.lines().map(PathBuf::from).filter(|path| sh.path_exists(path)) {
        let content = || sh.read_file(&path);
        let found = match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => check_source(&path, &content()?),
            Some("toml") if path.ends_with("Cargo.toml") => check_manifest(&content()?),
            Some("proto") if path.starts_with("proto") => check_contract(&content()?, &trunk),
            _ => continue,
        };
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", path.display())));
    }
    for name in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        if !sh.path_exists(name) {
            faults.push(format!("{name}: missing"));
        }
    }
    faults.extend(check_modules(sh)?);
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} faults\n  {}", faults.len(), faults.join("\n  "));
}

/// Checks every crate of the workspace: libraries, programs, tests, examples.
fn check_modules(sh: &Shell) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in metadata::workspace(sh)?.workspace_packages() {
        for target in &package.targets {
            let root = workspace::relative(target.src_path.as_std_path());
            let found = modules::check(workspace::root(), root)?;
            faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", root.display())));
        }
    }
    Ok(faults)
}

fn check_source(path: &Path, content: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = content.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{lines} lines, more than {MAX_LINES}: split it by concept"));
    }
    if content.lines().any(|line| line.trim() == "#[ignore]") {
        faults.push("a test is ignored without a reason: write `#[ignore = \"why\"]`".to_owned());
    }
    let is_crate = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    let documentation = ["//!", "#![doc = include_str!("];
    if is_crate && !documentation.iter().any(|start| content.starts_with(start)) {
        faults
            .push("a crate begins with its documentation: `//! …` or `#![doc = include_str!(…)]`".to_owned());
    }
    faults
}

fn check_manifest(content: &str) -> Vec<String> {
    let manifest: toml::Table = match content.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = Vec::new();
    if !manifest.contains_key("workspace") {
        check_dependencies(&manifest, &mut faults);
    }
    faults
}

/// Checks every table of dependencies, also those under `[target.…]`.
fn check_dependencies(table: &toml::Table, faults: &mut Vec<String>) {
    for (key, value) in table {
        let Some(inner) = value.as_table() else { continue };
        if !key.ends_with("dependencies") {
            check_dependencies(inner, faults);
            continue;
        }
        for (name, dependency) in inner {
            if dependency.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                faults.push(format!(
                    "`{name}` has a version here: declare it in [workspace.dependencies], and use `{name}.workspace = true`"
                ));
            }
        }
    }
}

/// Checks that Trunk forwards the calls of every service: under `cargo xtask dev`, others would get an HTML page.
fn check_contract(content: &str, trunk: &str) -> Vec<String> {
    let named = |keyword| {
        content.lines().filter_map(move |line| line.strip_prefix(keyword)?.split([' ', ';', '{']).next())
    };
    let package = named("package ").next().map(|name| format!("{name}.")).unwrap_or_default();
    named("service ")
        .map(|service| format!("{package}{service}"))
        .filter(|service| !trunk.contains(&format!("/{service}\"")))
        .map(|service| format!("Trunk.toml forwards no calls to {service}: add a [[proxy]] for it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_with_a_version_is_found_in_every_table() {
        let faults = check_manifest(
            "[dependencies]\na.workspace = true\nb = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nc = { version = \"2\" }",
        );
        assert_eq!(faults.len(), 2);
        assert!(faults[0].starts_with("`b`") && faults[1].starts_with("`c`"));
    }

    #[test]
    fn the_manifest_of_the_workspace_may_have_versions() {
        assert!(check_manifest("[workspace.dependencies]\na = \"1\"").is_empty());
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        let bare = concat!("    #[", "ignore]\nfn x() {}");
        assert_eq!(check_source(Path::new("tests/x.rs"), bare).len(), 1);
        assert!(check_source(Path::new("tests/x.rs"), "#[ignore = \"takes an hour\"]\nfn x() {}").is_empty());
    }

    #[test]
    fn a_crate_begins_with_its_documentation() {
        assert_eq!(check_source(Path::new("a/src/lib.rs"), "mod x;").len(), 1);
        assert!(check_source(Path::new("a/src/lib.rs"), "//! X.\nmod x;").is_empty());
        assert!(
            check_source(Path::new("a/src/lib.rs"), "#![doc = include_str!(\"../README.md\")]").is_empty()
        );
        assert!(check_source(Path::new("a/src/x.rs"), "fn x() {}").is_empty());
    }

    #[test]
    fn a_long_source_file_is_reported() {
        assert_eq!(check_source(Path::new("a/src/x.rs"), &"\n".repeat(MAX_LINES + 1)).len(), 1);
    }

    #[test]
    fn trunk_forwards_the_calls_of_every_service() {
        let contract = "package greet;\n\nservice Greeter {\n}\n";
        assert!(check_contract(contract, "backend = \"http://127.0.0.1:8080/greet.Greeter\"").is_empty());
        assert_eq!(check_contract(contract, "backend = \"http://127.0.0.1:8080/greet.Greeter2\"").len(), 1);
        assert_eq!(check_contract("service Message {", "").len(), 1);
    }
}
