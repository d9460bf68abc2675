//! The packages that a package of the workspace brings along.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

/// Which dependencies count.
pub(crate) struct Selection<'a> {
    pub(crate) package: &'a str,
    /// Cargo's options for features, such as `--all-features`.
    pub(crate) features: &'a [&'a str],
    /// Kinds of dependencies, as `cargo tree --edges` names them.
    pub(crate) edges: &'a str,
    /// A target triple, or `all`.
    pub(crate) target: &'a str,
}

/// Returns name and version of each selected package, the one that brings the others along included. Features that other packages
/// of the workspace turn on do not count.
pub(crate) fn of(sh: &Shell, selection: &Selection<'_>) -> Result<BTreeSet<(String, String)>> {
    let Selection { package, features, edges, target } = *selection;
    let selected = ["--package", package, "--edges", edges, "--target", target];
    let form = ["--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let tree = cmd!(sh, "cargo tree --locked {selected...} {features...} {form...}").quiet().read()?;
    tree.lines().filter(|line| !line.is_empty()).map(parse).collect()
}

/// Reads a line such as `http v1.5.0 (proc-macro)`.
fn parse(line: &str) -> Result<(String, String)> {
    let mut words = line.split(' ');
    let (name, version) = (words.next(), words.next().and_then(|version| version.strip_prefix('v')));
    let (name, version) = name.zip(version).with_context(|| format!("`cargo tree` printed {line:?}"))?;
    Ok((name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_version_are_read_from_each_kind_of_line() {
        for line in ["http v1.5.0", "http v1.5.0 (proc-macro)", "http v1.5.0 (/work/http)"] {
            assert_eq!(parse(line).unwrap(), ("http".to_owned(), "1.5.0".to_owned()), "{line}");
        }
        assert!(parse("[build-dependencies]").is_err());
    }
}
