//! The folders of the workspace, and versions in its lock file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::Shell;

/// The target that the page is compiled for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The workspace's top folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the workspace")
}

/// The path from the top folder to `path`, for messages. What lies elsewhere stays as it is.
pub(crate) fn relative(path: &Path) -> &Path {
    path.strip_prefix(root()).unwrap_or(path)
}

/// The folder for programs that are installed for this workspace. Git ignores it; after deleting it, they are downloaded again.
pub(crate) fn tools() -> PathBuf {
    root().join(".tools")
}

/// The folder of the built page.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// The folder of the book, built.
pub(crate) fn book() -> PathBuf {
    root().join("target/book")
}

/// Returns a shell whose current folder is the workspace's top folder.
pub(crate) fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// Returns the version of `package` in Cargo.lock.
pub(crate) fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    version_in_lock(&lock, package)
}

fn version_in_lock(lock: &str, package: &str) -> Result<String> {
    let lock: toml::Table = lock.parse().context("Cargo.lock is not TOML")?;
    lock.get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))
        .and_then(|entry| entry.get("version")?.as_str())
        .map(str::to_owned)
        .with_context(|| format!("Cargo.lock has no package {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_version_is_found_by_the_whole_name_of_the_package() {
        let lock = r#"
            version = 4
            [[package]]
            name = "wasm-bindgen-backend"
            version = "9.9.9"
            [[package]]
            name = "wasm-bindgen"
            version = "0.2.130"
        "#;
        assert_eq!(version_in_lock(lock, "wasm-bindgen").unwrap(), "0.2.130");
        assert!(version_in_lock(lock, "trunk").is_err());
    }
}
