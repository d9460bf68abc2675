//! A newer C library for programs from Python's packages that need one, beside that of the system.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// The release of Debian whose C library is taken. It runs on the kernels of every Debian that is supported.
const RELEASE: &str = "trixie";
const PACKAGES: [&str; 3] = ["libc6", "libgcc-s1", "libstdc++6"];
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
const HELP: &str = "use a system with glibc 2.38 or later (Debian 13, Ubuntu 24.04)";

/// Returns the command that starts `program`: itself, or the loader of a newer C library if the system's is too old.
pub(crate) fn command_of(sh: &Shell, program: &Path) -> Result<Vec<PathBuf>> {
    let output = cmd!(sh, "{program}").quiet().ignore_status().ignore_stdout().read_stderr()?;
    if !output.contains("GLIBC") {
        return Ok(vec![program.to_owned()]);
    }
    let folder = workspace::tools().join(format!("glibc-{RELEASE}"));
    let libraries = folder.join("root").join(LIBRARIES);
    let loader = libraries.join("ld-linux-x86-64.so.2");
    if !loader.is_file() {
        install(sh, &folder).with_context(|| {
            format!("{} needs a newer glibc, which was not installed: {HELP}", program.display())
        })?;
    }
    Ok(vec![loader, "--library-path".into(), libraries, program.to_owned()])
}

/// Downloads the packages with apt's own signatures and unpacks them. Nothing of the system is changed.
fn install(sh: &Shell, folder: &Path) -> Result<()> {
    println!(
        "Installing the C library of Debian {RELEASE} into .tools/: the system's is older than a program needs."
    );
    let root = folder.join("root");
    for name in ["lists/partial", "cache/archives/partial", "root"] {
        sh.create_dir(folder.join(name))?;
    }
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let sources = folder.join("sources.list");
    sh.write_file(&sources, format!("deb [signed-by={keys}] http://deb.debian.org/debian {RELEASE} main\n"))?;
    let options = [
        ("Dir::Etc::SourceList", sources.as_path()),
        ("Dir::Etc::SourceParts", Path::new("/dev/null")),
        ("Dir::State::Lists", &folder.join("lists")),
        ("Dir::Cache", &folder.join("cache")),
        // The user of the system that downloads cannot write here.
        ("APT::Sandbox::User", Path::new("root")),
    ]
    .map(|(name, value)| format!("--option={name}={}", value.display()));
    let options = &options;
    cmd!(sh, "apt-get {options...} --quiet update").run()?;
    let packages = PACKAGES;
    {
        let _folder = sh.push_dir(folder);
        cmd!(sh, "apt-get {options...} --quiet download {packages...}").run()?;
    }
    for file in sh.read_dir(folder)?.iter().filter(|file| file.extension().is_some_and(|end| end == "deb")) {
        cmd!(sh, "dpkg-deb --extract {file} {root}").run()?;
    }
    sh.remove_path(folder.join("lists"))?;
    Ok(())
}
