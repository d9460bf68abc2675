//! Who is measured: a process that serves calls.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::load::{Client, Wire};

/// How a contestant is started.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The bridge, by its path, in front of an upstream.
    Bridge(String, SocketAddr),
    /// Envoy, by its path, in front of an upstream.
    Envoy(String, SocketAddr),
    /// The least of a bridge, in front of an upstream.
    Floor(SocketAddr),
    /// This program, hosting the service in this way.
    Hosting(&'static str),
}

/// A running contestant. Dropping it ends it.
pub(crate) struct Contestant {
    pub(crate) address: SocketAddr,
    process: Child,
    /// For how long it took from its start to its first answer.
    pub(crate) cold_start: Duration,
    _config: Option<NamedTempFile>,
}

impl Contestant {
    pub(crate) async fn start(kind: &Kind) -> Result<Self> {
        let begun = Instant::now();
        let (mut command, config) = match kind {
            Kind::Bridge(program, upstream) => {
                let mut command = Command::new(program);
                command.args(["--listen", "127.0.0.1:0", "--log", "off", "--max-streams", "1000"]);
                command.args(["--upstream", &format!("http://{upstream}")]);
                (command, None)
            }
            Kind::Floor(upstream) => {
                let mut command = Command::new(std::env::current_exe()?.with_file_name("floor"));
                command.arg(upstream.to_string());
                (command, None)
            }
            Kind::Hosting(how) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(how);
                (command, None)
            }
            Kind::Envoy(program, upstream) => {
                let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                let file = NamedTempFile::with_suffix(".yaml")?;
                let text = include_str!("envoy.yaml")
                    .replace("LISTEN_PORT", &free.to_string())
                    .replace("UPSTREAM_PORT", &upstream.port().to_string());
                fs::write(file.path(), text)?;
                let mut command = Command::new(program);
                command.args(["--concurrency", "1", "--log-level", "error", "--use-dynamic-base-id", "-c"]);
                command.arg(file.path());
                (command, Some((file, free)))
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("cannot start {kind:?}"))?;
        let port = match &config {
            Some((_, port)) => *port,
            None => told_port(&mut process).await?,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        while begun.elapsed() < Duration::from_secs(30) {
            if let Ok(mut client) = Client::connect(Wire::H1, address).await
                && client.unary().await.is_ok()
            {
                return Ok(Self {
                    address,
                    process,
                    cold_start: begun.elapsed(),
                    _config: config.map(|(file, _)| file),
                });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("{kind:?} answered no call")
    }

    /// Returns the CPU time that the process has used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(self.proc("task")).unwrap();
        let used = tasks.map(|task| {
            // A thread may end at any moment.
            let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
        });
        Duration::from_nanos(used.sum())
    }

    /// Returns the memory that the process has resident, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn proc(&self, name: &str) -> std::path::PathBuf {
        Path::new("/proc").join(self.process.id().unwrap().to_string()).join(name)
    }
}

/// Reads the port behind the last colon of the address that a process prints.
async fn told_port(process: &mut Child) -> Result<u16> {
    let mut lines = BufReader::new(process.stdout.take().context("a process with an output")?).lines();
    let line = lines.next_line().await?.context("the process told no address")?;
    let address = line[line.find("http").context("an address")?..].split(' ').next().unwrap_or_default();
    let port = address.rsplit(':').next().context("a port")?;
    Ok(port.parse()?)
}
