//! `cargo xtask package`: the packages as the crate registry would get them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Package;
use xshell::{Shell, cmd};

use crate::{manifest, metadata, page, workspace};

/// The packages for the registry. All others have `publish.workspace = true` in their manifest.
const PACKAGES: [&str; 7] = [
    "drawbridge-calls-proto",
    "drawbridge-core",
    "drawbridge-fetch",
    "drawbridge-gateway",
    "drawbridge-grpc",
    "drawbridge-json",
    "drawbridge-proto",
];

/// The package of the program, which carries the page.
const PROGRAM: &str = "drawbridge-gateway";

/// What every package carries.
const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Checks the manifest of each published package, and packages them all into `target/package/`.
///
/// Without `release`, uncommitted changes are allowed, the packages are not compiled, and what only a release needs is a warning.
/// With it, cargo compiles each package as its users would, and the page stays in `server/page/` for `cargo publish`.
pub(crate) fn package(sh: &Shell, release: bool) -> Result<()> {
    let workspace = metadata::workspace(sh)?;
    let packages = metadata::published(&workspace);
    let mut page = Page::copy()?;

    let mut faults = misplaced(&packages);
    let mut warnings = Vec::new();
    for package in &packages {
        let of_package = |fault| format!("{}: {fault}", package.name);
        faults.extend(manifest::faults(package).into_iter().map(of_package));
        let has_page = page.is_some() && package.name.as_str() == PROGRAM;
        let wanted = FILES.into_iter().chain(has_page.then_some("page/index.html"));
        faults.extend(missing_files(sh, package, wanted)?.into_iter().map(of_package));
        if manifest::is_placeholder(package) {
            warnings.push(format!("{}: `repository` is a placeholder", package.name));
        }
    }
    if page.is_none() {
        warnings.push(
            "dist/ has no page, so that the packaged program has none: run `cargo xtask page`".to_owned(),
        );
    }
    if release {
        faults.append(&mut warnings);
        let changed = cmd!(sh, "git status --porcelain").read()?;
        faults.extend(changed.lines().map(|line| format!("not committed: {line}")));
    }
    for warning in warnings {
        println!("warning: {warning}");
    }
    ensure!(faults.is_empty(), "{} faults\n  {}", faults.len(), faults.join("\n  "));

    let names = packages.iter().flat_map(|package| ["--package", package.name.as_str()]);
    let options: &[&str] = if release { &[] } else { &["--no-verify", "--quiet"] };
    // Cargo counts the page among the uncommitted changes, since git ignores it.
    cmd!(sh, "cargo package --locked --allow-dirty {names...} {options...}").run()?;
    println!("{} packages are in target/package/", packages.len());
    if let Some(page) = page.as_mut().filter(|_| release) {
        page.stays = true;
        println!("server/page/ has the page for `cargo publish --allow-dirty`: remove it after that");
    }
    Ok(())
}

/// Returns a fault for each package that is published and should not be, or the reverse.
fn misplaced(packages: &[&Package]) -> Vec<String> {
    let published: BTreeSet<_> = packages.iter().map(|package| package.name.as_str()).collect();
    let wanted = BTreeSet::from(PACKAGES);
    let missing = wanted.difference(&published);
    let missing = missing.map(|name| format!("{name}: its manifest keeps it from being published"));
    let added = published.difference(&wanted);
    let added = added
        .map(|name| format!("{name}: no `publish.workspace = true`, and not in PACKAGES of {}", file!()));
    missing.chain(added).collect()
}

/// Returns a fault for each file of `wanted` that cargo would not package.
fn missing_files<'a>(
    sh: &Shell,
    package: &Package,
    wanted: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>> {
    let name = package.name.as_str();
    let files = cmd!(sh, "cargo package --locked --list --allow-dirty --package {name}").quiet().read()?;
    let is_missing = |file: &&str| !files.lines().any(|line| line == *file);
    Ok(wanted.filter(is_missing).map(|file| format!("{file} is not in the package")).collect())
}

/// The page inside the folder of the program's package. It is removed on drop: later builds would take it for the current one.
struct Page {
    folder: PathBuf,
    stays: bool,
}

impl Page {
    /// Copies the page from `dist/`, if it was built.
    fn copy() -> Result<Option<Self>> {
        let built = workspace::dist();
        if !built.join("index.html").is_file() {
            return Ok(None);
        }
        let page = Page { folder: workspace::root().join("server").join("page"), stays: false };
        page::mirror(&built, &page.folder).context("the page was not copied to server/page/")?;
        Ok(Some(page))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            eprintln!("warning: {} was not removed: {error}", self.folder.display());
        }
    }
}
