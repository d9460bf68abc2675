//! Programs of an exact version that the page is built and judged with. The user's own is used when its version is equal; else it is
//! installed into `.tools/`, beside and never instead of the user's own.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// A program that a crate of the registry installs.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    version: String,
    what: &'static str,
    install_options: &'static [&'static str],
}

impl Tool {
    /// Trunk. Newer ones want a newer Rust than the workspace does.
    pub(crate) fn trunk() -> Self {
        Tool {
            program: "trunk",
            package: "trunk",
            version: "0.21.14".to_owned(),
            what: "it builds the page",
            install_options: &["--locked", "--no-default-features", "--features", "rustls"],
        }
    }

    /// wasm-bindgen, in the version that the page is compiled against: each works with its own kind alone.
    ///
    /// It is not installed with `--locked`, because the list of versions it was published with cannot be fetched in full.
    pub(crate) fn wasm_bindgen() -> Result<Self> {
        Ok(Tool {
            program: "wasm-bindgen",
            package: "wasm-bindgen-cli",
            version: workspace::locked_version("wasm-bindgen")?,
            what: "it writes the JavaScript between the page's WASM and the browser",
            install_options: &["--no-default-features"],
        })
    }

    /// Firefox' WebDriver server.
    pub(crate) fn geckodriver() -> Self {
        Tool {
            program: "geckodriver",
            package: "geckodriver",
            version: "0.37.1".to_owned(),
            what: "it drives Firefox",
            install_options: &["--locked"],
        }
    }

    /// mdBook, without what serves and watches a book.
    pub(crate) fn mdbook() -> Self {
        Tool {
            program: "mdbook",
            package: "mdbook",
            version: "0.5.4".to_owned(),
            what: "it builds the book",
            install_options: &["--locked", "--no-default-features", "--features", "search"],
        }
    }

    /// A checker of links in built pages that needs no network.
    pub(crate) fn hyperlink() -> Self {
        Tool {
            program: "hyperlink",
            package: "hyperlink",
            version: "0.3.2".to_owned(),
            what: "it checks the links of the book",
            install_options: &["--locked"],
        }
    }

    /// The path of this program, which is installed when neither PATH nor `.tools/` has it in this version.
    pub(crate) fn ensure(&self, sh: &Shell) -> Result<PathBuf> {
        let on_path = which::which_all(self.program).into_iter().flatten();
        let ours =
            workspace::tools().join("bin").join(format!("{}{}", self.program, std::env::consts::EXE_SUFFIX));
        if let Some(found) = on_path.chain([ours.clone()]).find(|path| self.is_version_of(sh, path)) {
            return Ok(found);
        }
        println!(
            "Installing {} {} into .tools/: {}. This takes minutes, once.",
            self.program, self.version, self.what
        );
        self.install(sh).with_context(|| {
            format!(
                "{} {} was not installed; cargo's own words are above. The first run needs the network, later ones do not",
                self.program, self.version
            )
        })?;
        Ok(ours)
    }

    fn is_version_of(&self, sh: &Shell, path: &Path) -> bool {
        path.is_file()
            && cmd!(sh, "{path} --version")
                .ignore_stderr()
                .read()
                .is_ok_and(|output| version_in(&output) == Some(self.version.as_str()))
    }

    /// Builds without optimisation, which takes a quarter of the time. The build's own files are removed afterwards.
    fn install(&self, sh: &Shell) -> Result<()> {
        let root = workspace::tools();
        let build = root.join("build");
        let Tool { package, version, install_options: options, .. } = self;
        cmd!(sh, "cargo install --force --debug --root {root} {package}@{version}")
            .args(*options)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .run()?;
        sh.remove_path(build)?;
        Ok(())
    }
}

/// Reads the version in what a program prints of itself: `trunk 0.21.14`, or `mdbook v0.5.4`.
fn version_in(output: &str) -> Option<&str> {
    let version = output.split_whitespace().nth(1)?;
    Some(version.strip_prefix('v').unwrap_or(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_with_and_without_a_letter_before_it() {
        assert_eq!(version_in("trunk 0.21.14\n"), Some("0.21.14"));
        assert_eq!(version_in("mdbook v0.5.4\n"), Some("0.5.4"));
        assert_eq!(version_in("mdbook\n"), None);
    }
}
