//! The page, built by Trunk.
//!
//! Trunk runs two hooks: before its build, [`styles`] joins the style sheets; after it, [`finish`] splits the program into
//! modules, with [`glue`] for the JavaScript and [`wasm`] for the modules.

pub(crate) mod finish;
mod glue;
pub(crate) mod styles;
mod wasm;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, Result};
use xshell::{Cmd, Shell, cmd};

use crate::tools::Tool;
use crate::{toolchain, workspace};

/// Builds the page in release into `dist/`, with the profile `page`.
///
/// Trunk writes every file at each build. It builds into another folder, and only files that differ are copied to `dist/`:
/// the times of the others stay, and cargo does not rebuild the server that embeds them.
pub(crate) fn build(sh: &Shell) -> Result<()> {
    // Trunk empties this folder. `target/page` is taken: cargo builds the host's part of the profile `page` there.
    let built = workspace::root().join("target").join("page-dist");
    trunk(sh, &["build", "--release"])?
        .arg("--dist")
        .arg(&built)
        .run()
        .context("Trunk did not build the page; its output is above")?;
    mirror(&built, &workspace::dist()).context("the page was built, but could not be copied to dist/")
}

/// Builds the page with the conformance suite's client under test, with the profile of the product's page, and returns its
/// folder.
pub(crate) fn build_conformance(sh: &Shell) -> Result<PathBuf> {
    trunk(sh, &["--config", "tests/conformance/page/Trunk.toml", "build", "--release"])?
        .run()
        .context("Trunk did not build the page of the client under test; its output is above")?;
    Ok(workspace::root().join("target").join("conformance-page"))
}

/// Builds the page of the bench, with the profile of the product's page, and adds it to the folder that has the bundle of the
/// other clients.
pub(crate) fn add_bench(sh: &Shell, folder: &Path) -> Result<()> {
    toolchain::ensure_wasm_target(sh)?;
    let wasm_bindgen = Tool::wasm_bindgen()?.ensure(sh)?;
    let (name, target) = ("drawbridge-bench-browser", workspace::WASM);
    cmd!(sh, "cargo build --locked --profile page --target {target} --package {name}").run()?;
    let wasm = workspace::root().join("target").join(target).join("page").join(format!("{name}.wasm"));
    cmd!(sh, "{wasm_bindgen} --target web --no-typescript --out-dir {folder} {wasm}").run()?;
    for file in ["index.html", "transport.js"] {
        sh.copy_file(workspace::root().join("tests/bench/browser").join(file), folder.join(file))?;
    }
    Ok(())
}

/// Makes the folder `to` equal to the folder `from`, and writes only files that differ.
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

/// Returns a command that runs Trunk, after installing what it needs: the compiler's target, the crates, and the right version
/// of wasm-bindgen, which comes first on its PATH.
///
/// Trunk runs offline, so that it downloads no programs.
pub(crate) fn trunk<'sh>(sh: &'sh Shell, args: &[&str]) -> Result<Cmd<'sh>> {
    toolchain::ensure_wasm_target(sh)?;
    let trunk = Tool::trunk().ensure(sh)?;
    let wasm_bindgen = Tool::wasm_bindgen()?.ensure(sh)?;
    cmd!(sh, "cargo fetch --quiet --locked").quiet().run().context(
        "cargo did not fetch the page's crates; its output is above. Only the first run needs the network",
    )?;
    Ok(cmd!(sh, "{trunk} {args...}")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", remapped_paths()?)
        .env("PATH", path_with(wasm_bindgen.parent().expect("a program lies in a folder"))?)
        .env("TRUNK_OFFLINE", "true")
        // Trunk reads `NO_COLOR` as the value of a flag, and fails on the usual `1`.
        .env_remove("NO_COLOR"))
}

/// Returns compiler flags that remove the folders of this machine from the panic messages of the page. They are added to those
/// in `.cargo/config.toml`.
fn remapped_paths() -> Result<String> {
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
    // Spaces separate the flags in the variable, so a folder with a space in its path cannot be remapped.
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
    fn unchanged_files_keep_their_time_and_removed_files_are_removed() {
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
