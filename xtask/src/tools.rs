//! Programs of an exact version that builds and tests need. One on PATH is used if it has that version. Otherwise it is installed
//! into `.tools/`, and the one on PATH stays.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// A program that `cargo install` installs from the crate registry.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    version: String,
    what: &'static str,
    install_options: &'static [&'static str],
}

impl Tool {
    /// Trunk. Later versions need a later Rust than the workspace. It runs offline, so it needs no TLS.
    pub(crate) fn trunk() -> Self {
        Tool {
            program: "trunk",
            package: "trunk",
            version: "0.21.14".to_owned(),
            what: "it builds the page",
            install_options: &["--locked", "--no-default-features"],
        }
    }

    /// wasm-bindgen, in the version of the crate that the page is compiled with: other versions refuse the page.
    ///
    /// It is installed without `--locked`: not every version in its lock file can be downloaded.
    pub(crate) fn wasm_bindgen() -> Result<Self> {
        Ok(Tool {
            program: "wasm-bindgen",
            package: "wasm-bindgen-cli",
            version: workspace::locked_version("wasm-bindgen")?,
            what: "it writes the JavaScript between the page's WASM and the browser",
            install_options: &["--no-default-features"],
        })
    }

    /// The WebDriver server of Firefox.
    pub(crate) fn geckodriver() -> Self {
        Tool {
            program: "geckodriver",
            package: "geckodriver",
            version: "0.37.1".to_owned(),
            what: "it drives Firefox",
            install_options: &["--locked"],
        }
    }

    /// mdBook, without its server and its watcher.
    pub(crate) fn mdbook() -> Self {
        Tool {
            program: "mdbook",
            package: "mdbook",
            version: "0.5.4".to_owned(),
            what: "it builds the book",
            install_options: &["--locked", "--no-default-features", "--features", "search"],
        }
    }

    /// A link checker for HTML files. It needs no network.
    pub(crate) fn hyperlink() -> Self {
        Tool {
            program: "hyperlink",
            package: "hyperlink",
            version: "0.3.2".to_owned(),
            what: "it checks the links of the book",
            install_options: &["--locked"],
        }
    }

    /// Returns the path of this program, after installing it if neither PATH nor `.tools/` has this version.
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
                "{} {} was not installed; cargo's output is above. Only the first run needs the network",
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

    /// Builds without optimisation, in a quarter of the time, and removes the build's files afterwards.
    fn install(&self, sh: &Shell) -> Result<()> {
        let root = workspace::tools();
        let build = root.join("build");
        let Tool { package, version, install_options: options, .. } = self;
        cmd!(sh, "cargo install --force --debug --root {root} {package}@{version}")
            .args(*options)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .run()?;
        sh.remove_path(build)?;
        Ok(())
    }
}

/// Reads the version from the output of `--version`: `trunk 0.21.14`, or `mdbook v0.5.4`.
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
