//! `cargo xtask dev`: the page with live reload, and a running server.

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{page, server};

/// Where Trunk serves the page, and where it forwards calls to. Trunk.toml has both, too.
const PAGE: &str = "http://127.0.0.1:8081";
const SERVER: &str = "127.0.0.1:8080";

/// Runs the server, and Trunk in front of it. Trunk rebuilds and reloads the page when a file changes, and forwards calls to the
/// server, so that the browser sees one origin.
///
/// The page is built without optimisation, into another folder than the release page of `dist/`.
pub(crate) fn dev(sh: &Shell, args: &[OsString]) -> Result<()> {
    let trunk = page::trunk(sh, &["serve", "--release=false", "--dist", "target/dev-page"])?;
    let program = server::build(sh)?;
    println!(
        "The page will be at {PAGE} once it is built. It reloads when a file changes. Ctrl-C ends page and server."
    );

    let mut server = Process::start("the server", cmd!(sh, "{program} --listen {SERVER} {args...}").into())?;
    let mut trunk = Process::start("Trunk", trunk.into())?;
    loop {
        for process in [&mut server, &mut trunk] {
            if let Some(status) = process.child.try_wait()? {
                bail!("{} ended: {status}", process.name);
            }
        }
        thread::sleep(Duration::from_millis(200));
    }
}

/// A child process, killed on drop. The terminal sends Ctrl-C to it as well.
struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    fn start(name: &'static str, mut command: Command) -> Result<Self> {
        Ok(Process { name, child: command.spawn()? })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _: Option<ExitStatus> = self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}
