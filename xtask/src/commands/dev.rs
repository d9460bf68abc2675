//! `cargo xtask dev`: the page with live reload, beside a running server.

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::{page, server};

/// Where Trunk serves the page, and where it looks for the server. Both stand in Trunk.toml too.
const PAGE: &str = "http://127.0.0.1:8081";
const SERVER: &str = "127.0.0.1:8080";

/// Runs the server, and in front of it Trunk, which builds the page anew when a file changes, tells the browser to reload
/// it, and passes calls on to the server, so that the browser sees one origin.
///
/// The page is built without optimisation and into a folder of its own: `dist/` is for pages that are meant for use.
pub(crate) fn dev(sh: &Shell, args: &[OsString]) -> Result<()> {
    let trunk = page::trunk(sh, &["serve", "--release=false", "--dist", "target/dev-page"])?;
    let program = server::build(sh)?;
    println!(
        "The page will be at {PAGE} once it is built, and reload itself when a file changes. Ctrl-C ends it."
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

/// A process that ends with this value. Ctrl-C reaches it by itself, as one of the terminal's foreground group.
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
