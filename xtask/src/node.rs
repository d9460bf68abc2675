//! Browser clients from npm, bundled for a page.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace;

const FOLDER: &str = "tests/clients";

/// Installs the locked versions of the clients, bundles them, and returns the folder of the page with the bundle.
pub(crate) fn bundle_clients(sh: &Shell) -> Result<PathBuf> {
    let Ok(npm) = which::which("npm") else {
        bail!(
            "no `npm` on PATH, and the clients are installed with it: install Node.js 20 or later from https://nodejs.org"
        );
    };
    let page = workspace::root().join("target").join("clients");
    println!("Installing connect-web and grpc-web into {FOLDER}/node_modules.");
    // The clients need none of the install scripts of their packages.
    cmd!(sh, "{npm} ci --prefix {FOLDER} --ignore-scripts --no-audit --no-fund --loglevel error")
        .run()
        .context(
            "npm did not install the clients; its output is above. Only the first run needs the network",
        )?;
    cmd!(sh, "{npm} run --silent --prefix {FOLDER} build").run()?;
    sh.copy_file(workspace::root().join(FOLDER).join("index.html"), page.join("index.html"))?;
    Ok(page)
}
