//! A Python with the packages of `tests/grpcio/requirements.txt`, in a virtual environment of its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::workspace;

const REQUIREMENTS: &str = "tests/grpcio/requirements.txt";

/// The Python to run the test with. It is set up anew when the requirements have changed since.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    let home = workspace::tools().join("python");
    let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let installed = home.join("installed.txt");
    let wanted = sh.read_file(REQUIREMENTS)?;
    if sh.read_file(&installed).is_ok_and(|had| had == wanted)
        && cmd!(sh, "{python} -c pass").quiet().run().is_ok()
    {
        return Ok(python);
    }

    println!(
        "Installing Python's grpcio into .tools/python/: a native gRPC client that Drawbridge did not write."
    );
    let system = which::which("python3").or_else(|_| which::which("python")).context(
        "no Python: install Python 3.9 or newer (Debian, Ubuntu: `apt-get install python3 python3-venv`)",
    )?;
    cmd!(sh, "{system} -m venv --clear {home}")
        .run()
        .context("Python has no working venv module (Debian, Ubuntu: `apt-get install python3-venv`)")?;
    cmd!(sh, "{python} -m pip install --quiet --disable-pip-version-check --only-binary :all: --requirement {REQUIREMENTS}")
        .run()
        .context("pip could not install grpcio; its own words are above. The first run needs the network")?;
    sh.write_file(installed, wanted)?;
    Ok(python)
}
