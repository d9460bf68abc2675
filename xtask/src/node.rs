//! Browser clients from npm, which Node installs and bundles.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace;

const FOLDER: &str = "tests/clients";

/// Installs the clients in their exact versions, bundles them, and returns the folder of the page that has them.
pub(crate) fn bundle_clients(sh: &Shell) -> Result<PathBuf> {
    let Ok(npm) = which::which("npm") else {
        bail!(
            "no npm, which the clients come from: install Node.js 20 or newer from https://nodejs.org or your packages"
        );
    };
    let page = workspace::root().join("target").join("clients");
    println!("Installing the browser clients that others wrote into {FOLDER}/node_modules.");
    // Their scripts are not run: none of them is needed.
    cmd!(sh, "{npm} ci --prefix {FOLDER} --ignore-scripts --no-audit --no-fund --loglevel error")
        .run()
        .context("npm could not install them; its own words are above. The first run needs the network")?;
    cmd!(sh, "{npm} run --silent --prefix {FOLDER} build").run()?;
    sh.copy_file(workspace::root().join(FOLDER).join("index.html"), page.join("index.html"))?;
    Ok(page)
}
