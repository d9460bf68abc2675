//! The programs that can be measured, and their command lines.

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::bridge::Bridge;
use crate::certificate::Certificate;
use crate::envoy;
use crate::load::Wire;

/// A program and how it is started.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The bridge in front of an upstream.
    Bridge(Bridge),
    /// The bridge on one thread with its sample services, which it hosts itself.
    Samples(PathBuf),
    /// Envoy in front of an upstream.
    Envoy(Bridge),
    /// hyper and `h2` with the least between them, in front of an upstream.
    Floor(PathBuf, SocketAddr),
    /// tonic-web's layer around a `Channel` to an upstream.
    Naive(PathBuf, SocketAddr),
    /// vanguard-go in front of an upstream.
    Vanguard(PathBuf, SocketAddr),
    /// grpcwebproxy in front of an upstream.
    GrpcWebProxy(PathBuf, SocketAddr),
    /// connect-go with the service that is measured.
    ConnectGo(PathBuf),
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
        let mut start_port = None;
        let mut config = None;
        match self {
            Self::Bridge(Bridge { upstream, threads, certificate, assets, .. }) => {
                command.args(BRIDGE).args(["--threads", &threads.to_string()]);
                command.args(["--upstream", &format!("http://{upstream}")]);
                if let Some(certificate) = certificate {
                    command
                        .arg("--tls-cert")
                        .arg(certificate.chain())
                        .arg("--tls-key")
                        .arg(certificate.key());
                }
                if let Some(folder) = assets {
                    command.arg("--assets").arg(folder);
                }
            }
            Self::Samples(_) => {
                command.args(BRIDGE).args(["--threads", "1", "--samples"]);
            }
            Self::Envoy(bridge) => {
                let port = free_port()?;
                let file = NamedTempFile::with_suffix(".yaml")?;
                fs::write(file.path(), envoy::config(bridge, port))?;
                command.args(["--concurrency", &bridge.threads.to_string(), "--log-level", "error"]);
                command.args(["--use-dynamic-base-id", "-c"]).arg(file.path());
                (start_port, config) = (Some(port), Some(file));
            }
            Self::Floor(_, upstream) | Self::Naive(_, upstream) => {
                command.arg(upstream.to_string());
            }
            Self::Vanguard(_, upstream) => {
                let file = NamedTempFile::new()?;
                fs::write(file.path(), drawbridge_proto::FILE_DESCRIPTOR_SET)?;
                command.env("GOMAXPROCS", "1").arg(upstream.to_string()).arg(file.path());
                config = Some(file);
            }
            Self::GrpcWebProxy(_, upstream) => {
                let port = free_port()?;
                command.env("GOMAXPROCS", "1").args(GRPCWEBPROXY).arg(format!("--backend_addr={upstream}"));
                command.arg(format!("--server_http_debug_port={port}"));
                start_port = Some(port);
            }
            Self::ConnectGo(_) => {
                command.env("GOMAXPROCS", "1");
            }
            Self::Hosting(router) => {
                command.args(["host", router]);
            }
        }
        Ok(Start { command, port: start_port, config })
    }

    /// Returns whether the program serves this version of HTTP without TLS.
    pub(crate) fn speaks(&self, wire: Wire) -> bool {
        !matches!((self, wire), (Self::GrpcWebProxy(..), Wire::H2))
    }

    /// Returns whether the table is printed without this program if it cannot do what is measured. No limit depends on it.
    pub(crate) fn may_fail(&self) -> bool {
        matches!(self, Self::Naive(..) | Self::Vanguard(..) | Self::GrpcWebProxy(..) | Self::ConnectGo(_))
    }

    /// The certificate of a program that serves TLS.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Bridge(bridge) | Self::Envoy(bridge) => bridge.certificate.as_ref(),
            _ => None,
        }
    }

    fn path(&self) -> Result<PathBuf> {
        Ok(match self {
            Self::Bridge(Bridge { path, .. })
            | Self::Envoy(Bridge { path, .. })
            | Self::Samples(path)
            | Self::Floor(path, _)
            | Self::Naive(path, _)
            | Self::Vanguard(path, _)
            | Self::GrpcWebProxy(path, _)
            | Self::ConnectGo(path) => path.clone(),
            Self::Hosting(_) => std::env::current_exe()?,
        })
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The bridge's options: a free port, no logs, and room for every stream.
const BRIDGE: [&str; 6] = ["--listen", "127.0.0.1:0", "--log", "off", "--max-streams", "1000"];

/// grpcwebproxy's options: HTTP/1.1 without TLS, and no time limits. It serves HTTP/2 over TLS only.
const GRPCWEBPROXY: [&str; 6] = [
    "--server_bind_address=127.0.0.1",
    "--run_tls_server=false",
    "--allow_all_origins",
    "--server_http_max_read_timeout=1h",
    "--server_http_max_write_timeout=1h",
    "--backend_max_call_recv_msg_size=67108864",
];

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().unwrap_or_default();
        write!(f, "{}", Path::new(&path).display())
    }
}
