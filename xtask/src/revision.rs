//! The program `drawbridge` of another revision of this repository.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::{server, workspace};

/// A built revision.
pub(crate) struct Revision {
    /// The short id of its commit.
    pub(crate) name: String,
    /// Its program, in release.
    pub(crate) program: PathBuf,
}

impl Revision {
    /// Builds the program of `revision`, which is a commit, branch or tag, unless the same compiler has built that commit
    /// before.
    ///
    /// The commit is checked out in a git worktree under `target/compare/`, which is removed after the build. What cargo
    /// built stays, so that another revision compiles its dependencies only where their versions differ.
    pub(crate) fn build(sh: &Shell, revision: &str) -> Result<Self> {
        ensure!(!revision.starts_with('-'), "expected a commit, branch or tag, not the option {revision:?}");
        let wanted = format!("{revision}^{{commit}}");
        let commit = cmd!(sh, "git rev-parse --verify --quiet {wanted}")
            .read()
            .with_context(|| format!("git knows no revision {revision:?} in this checkout"))?;
        let name = cmd!(sh, "git rev-parse --short {commit}").read()?;
        let compiler = cmd!(sh, "rustc --version").read()?;
        let folder = workspace::root().join("target").join("compare");
        let version = compiler.split(' ').nth(1).context("rustc told no version")?;
        let program = folder.join(&commit).join(version).join("drawbridge");
        if program.is_file() {
            println!("{name} was built before: {}", program.display());
        } else {
            println!("Building {name} in release. The first revision takes minutes.");
            let tree = folder.join("tree");
            add_worktree(sh, &tree, &commit)?;
            let built = build_in(sh, &tree, &folder.join("build"));
            remove_worktree(sh, &tree)?;
            let built = built.with_context(|| format!("{name} was not built"))?;
            sh.create_dir(program.parent().expect("a program lies in a folder"))?;
            sh.copy_file(built, &program)?;
        }
        Ok(Self { name, program })
    }
}

fn add_worktree(sh: &Shell, tree: &Path, commit: &str) -> Result<()> {
    // An interrupted run leaves its worktree behind.
    remove_worktree(sh, tree)?;
    Ok(cmd!(sh, "git worktree add --quiet --detach --force {tree} {commit}").quiet().run()?)
}

fn remove_worktree(sh: &Shell, tree: &Path) -> Result<()> {
    if sh.path_exists(tree) && cmd!(sh, "git worktree remove --force --force {tree}").quiet().run().is_err() {
        // A folder that git does not know as a worktree any more.
        sh.remove_path(tree)?;
    }
    Ok(())
}

/// Builds in a folder of cargo's that no other checkout uses: cargo tells checkouts apart by the times of files alone. Those
/// of a new worktree are newer than all that was built before.
fn build_in(sh: &Shell, tree: &Path, build: &Path) -> Result<PathBuf> {
    let _stands_in = sh.push_dir(tree);
    let _builds_in = sh.push_env("CARGO_TARGET_DIR", build);
    server::build_release(sh)
}
