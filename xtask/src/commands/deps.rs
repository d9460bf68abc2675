//! `cargo xtask deps`: how many packages the library brings along, and which Rust the published packages need.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::dependencies::{self, Selection};
use crate::metadata;

/// A choice of the library's features, and the most packages that a user of it compiles, the library included.
struct Weight {
    what: &'static str,
    features: &'static [&'static str],
    limit: usize,
}

const LIBRARY: &str = "drawbridge-grpc";

const WEIGHTS: [Weight; 2] = [
    Weight { what: "all features", features: &["--all-features"], limit: 90 },
    Weight { what: "no features", features: &["--no-default-features"], limit: 50 },
];

/// Checks the number of packages and the versions of Rust.
pub(crate) fn deps(sh: &Shell) -> Result<()> {
    count(sh)?;
    rust_versions(sh)
}

/// Prints how many packages the library brings along, and fails if they are more than the limit.
fn count(sh: &Shell) -> Result<()> {
    let mut faults = Vec::new();
    for Weight { what, features, limit } in &WEIGHTS {
        // One target, so that the count is the same on every machine.
        let target = "x86_64-unknown-linux-gnu";
        let selection = Selection { package: LIBRARY, features, edges: "normal", target };
        let count = dependencies::of(sh, &selection)?.len();
        println!("{LIBRARY} with {what}: {count} packages, at most {limit}");
        if count > *limit {
            faults.push(format!("{LIBRARY} with {what} has {count} packages, more than {limit}"));
        }
    }
    ensure!(
        faults.is_empty(),
        "{}: compare `cargo tree --package {LIBRARY} --edges normal`",
        faults.join("; ")
    );
    Ok(())
}

/// Fails if a published package has a dependency, for its code or its build script, that needs a newer Rust than the package
/// declares. Dependencies that declare no version pass.
///
/// The code of the packages themselves is checked by clippy's `incompatible_msrv`.
fn rust_versions(sh: &Shell) -> Result<()> {
    let all = metadata::with_dependencies(sh)?;
    let declared: HashMap<_, _> = all
        .packages
        .iter()
        .map(|package| {
            ((package.name.to_string(), package.version.to_string()), package.rust_version.as_ref())
        })
        .collect();
    let mut faults = Vec::new();
    for package in metadata::published(&all) {
        let name = package.name.as_str();
        let Some(ours) = &package.rust_version else {
            faults.push(format!("{name} declares no rust-version"));
            continue;
        };
        let selection =
            Selection { package: name, features: &["--all-features"], edges: "normal,build", target: "all" };
        for (dependency, version) in dependencies::of(sh, &selection)? {
            let theirs = declared.get(&(dependency.clone(), version.clone())).copied().flatten();
            if let Some(theirs) = theirs.filter(|theirs| *theirs > ours) {
                faults
                    .push(format!("{name} declares Rust {ours}, but {dependency} {version} needs {theirs}"));
            }
        }
        println!("{name}: Rust {ours}");
    }
    ensure!(
        faults.is_empty(),
        "{}\nUse an older version of the dependency, or raise rust-version and say so in CHANGELOG.md",
        faults.join("\n")
    );
    Ok(())
}
