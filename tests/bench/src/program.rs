//! The programs that can be measured, and their command lines.

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::NamedTempFile;
use tokio::process::Command;

/// A program and how it is started.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The bridge in front of an upstream.
    Bridge(PathBuf, SocketAddr),
    /// The bridge with its sample services, which it hosts itself.
    Samples(PathBuf),
    /// Envoy with one worker in front of an upstream.
    Envoy(PathBuf, SocketAddr),
    /// hyper and `h2` with the least between them, in front of an upstream.
    Floor(PathBuf, SocketAddr),
    /// This program as a server, with the router of that name.
    Hosting(&'static str),
}

/// What it takes to start a program once.
pub(crate) struct Start {
    pub(crate) command: Command,
    /// The port that it listens on, if it does not print it.
    pub(crate) port: Option<u16>,
    /// The file that it reads, for as long as it runs.
    pub(crate) config: Option<NamedTempFile>,
}

impl Program {
    /// Prepares a start.
    pub(crate) fn prepare(&self) -> Result<Start> {
        let mut command = Command::new(self.path()?);
        match self {
            Self::Bridge(_, upstream) => {
                command.args(BRIDGE).args(["--upstream", &format!("http://{upstream}")]);
            }
            Self::Samples(_) => {
                command.args(BRIDGE).arg("--samples");
            }
            Self::Envoy(_, upstream) => {
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                let config = NamedTempFile::with_suffix(".yaml")?;
                let text = include_str!("envoy.yaml")
                    .replace("LISTEN_PORT", &port.to_string())
                    .replace("UPSTREAM_PORT", &upstream.port().to_string());
                fs::write(config.path(), text)?;
                command.args(["--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id", "-c"]);
                command.arg(config.path());
                return Ok(Start { command, port: Some(port), config: Some(config) });
            }
            Self::Floor(_, upstream) => {
                command.arg(upstream.to_string());
            }
            Self::Hosting(router) => {
                command.args(["host", router]);
            }
        }
        Ok(Start { command, port: None, config: None })
    }

    fn path(&self) -> Result<PathBuf> {
        Ok(match self {
            Self::Bridge(path, _) | Self::Samples(path) | Self::Envoy(path, _) | Self::Floor(path, _) => {
                path.clone()
            }
            Self::Hosting(_) => std::env::current_exe()?,
        })
    }
}

/// The bridge's options: a free port, no logs, and room for every stream.
const BRIDGE: [&str; 6] = ["--listen", "127.0.0.1:0", "--log", "off", "--max-streams", "1000"];

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().unwrap_or_default();
        write!(f, "{}", Path::new(&path).display())
    }
}
