//! The page, built by Trunk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

use crate::tools::Tool;
use crate::{toolchain, workspace};

/// Builds the page for use into `dist/`, with the profile `page`.
///
/// Trunk writes every file anew, so it builds beside `dist/`, which then takes what has changed: a page that did not
/// change leaves the files' times alone, and the server that carries them need not be built again.
pub(crate) fn build(sh: &Shell) -> Result<()> {
    // Not `target/page`, which is cargo's for what the profile `page` builds for this machine: Trunk empties its folder.
    let built = workspace::root().join("target").join("page-dist");
    trunk(sh, &["build", "--release"])?
        .arg("--dist")
        .arg(&built)
        .run()
        .context("the page was not built; Trunk's own words are above")?;
    mirror(&built, &workspace::dist()).context("the page was built, but not copied to dist/")
}

/// Builds the page of the conformance suite's client under test, as the product's page is built, and returns its folder.
pub(crate) fn build_conformance(sh: &Shell) -> Result<PathBuf> {
    trunk(sh, &["--config", "tests/conformance/page/Trunk.toml", "build", "--release"])?
        .run()
        .context("the page of the client under test was not built; Trunk's own words are above")?;
    Ok(workspace::root().join("target").join("conformance-page"))
}

/// Makes the folder `to` equal to the folder `from`, and touches only what differs.
pub(crate) fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in to.read_dir()? {
        let entry = entry?;
        let wanted = from.join(entry.file_name());
        if entry.file_type()?.is_dir() && !wanted.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if !entry.file_type()?.is_dir() && !wanted.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    for entry in from.read_dir()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &target)?;
            continue;
        }
        let content = fs::read(entry.path())?;
        if fs::read(&target).ok().as_ref() != Some(&content) {
            fs::write(target, content)?;
        }
    }
    Ok(())
}

/// A Trunk that has all it needs: the compiler's target, the crates, and the right wasm-bindgen in front on its PATH.
///
/// It is told to stay offline, so that it never downloads a program by itself.
pub(crate) fn trunk<'sh>(sh: &'sh Shell, args: &[&str]) -> Result<Cmd<'sh>> {
    toolchain::ensure_wasm_target(sh)?;
    let trunk = Tool::trunk().ensure(sh)?;
    let wasm_bindgen = Tool::wasm_bindgen()?.ensure(sh)?;
    cmd!(sh, "cargo fetch --quiet --locked").quiet().run().context(
        "the page's crates were not fetched; cargo's own words are above. The first run needs the network",
    )?;
    Ok(cmd!(sh, "{trunk} {args...}")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", without_this_machine()?)
        .env("PATH", path_with(wasm_bindgen.parent().expect("a program lies in a folder"))?)
        .env("TRUNK_OFFLINE", "true")
        // Trunk takes the usual `NO_COLOR=1` for a malformed flag of its own and stops.
        .env_remove("NO_COLOR"))
}

/// The flags by which the page, when it panics, names its code by crate and not by the folders of whoever built it. They
/// come on top of those in `.cargo/config.toml`.
fn without_this_machine() -> Result<String> {
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .context("no home directory, and CARGO_HOME is not set")?;
    // One folder for each registry.
    let registries = match cargo.join("registry").join("src").read_dir() {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        Err(_) => Vec::new(),
    };
    let folders = registries.iter().map(PathBuf::as_path).chain([workspace::root()]);
    // Flags in the environment stand between spaces, so that a folder with one cannot be named.
    let nameable = folders.filter_map(Path::to_str).filter(|folder| !folder.contains(' '));
    Ok(nameable.map(|folder| format!("--remap-path-prefix={folder}=")).collect::<Vec<_>>().join(" "))
}

fn path_with(first: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths([first.to_owned()].into_iter().chain(std::env::split_paths(&path)))?)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_has_not_changed_is_not_touched_and_what_is_gone_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for (file, content) in
            [("from/same", "1"), ("from/new", "2"), ("from/a/deep", "3"), ("to/same", "1"), ("to/a/old", "4")]
        {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let long_ago = SystemTime::UNIX_EPOCH;
        fs::File::options().write(true).open(to.join("same")).unwrap().set_modified(long_ago).unwrap();

        mirror(&from, &to).unwrap();

        assert_eq!(fs::metadata(to.join("same")).unwrap().modified().unwrap(), long_ago);
        assert_eq!(fs::read_to_string(to.join("new")).unwrap(), "2");
        assert_eq!(fs::read_to_string(to.join("a/deep")).unwrap(), "3");
        assert!(!to.join("a/old").exists());
    }
}
