//! The server that is measured: a process that serves gRPC-Web calls.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::certificate::Certificate;
use crate::load::{Client, Wire};
use crate::program::{Program, Start};

/// How long a target may take from its start to its first answer. Under callgrind on a busy machine it takes
/// many seconds.
const START: Duration = Duration::from_secs(120);

/// A running server. Dropping it kills the process.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The time from the start of the process to its first answer.
    pub(crate) cold_start: Duration,
    process: Child,
    certificate: Option<Certificate>,
    _config: Option<NamedTempFile>,
}

impl Target {
    /// Starts the program and waits for its first answer.
    pub(crate) async fn start(program: &Program) -> Result<Self> {
        Self::spawn(program, program.prepare()?).await
    }

    /// Starts the program by means of `wrapper`, whose last arguments become the program's command line. The program runs
    /// in the process of `wrapper`.
    pub(crate) async fn start_under(mut wrapper: Command, program: &Program) -> Result<Self> {
        let start = program.prepare()?;
        let command = start.command.as_std();
        wrapper.arg(command.get_program()).args(command.get_args());
        Self::spawn(program, Start { command: wrapper, ..start }).await
    }

    async fn spawn(program: &Program, start: Start) -> Result<Self> {
        let Start { mut command, port, config } = start;
        let begun = Instant::now();
        // A pipe that nobody reads would fill up.
        let stdout = if port.is_some() { Stdio::null() } else { Stdio::piped() };
        command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let port = match port {
            Some(port) => port,
            None => printed_port(&mut process).await.with_context(|| format!("{program} did not start"))?,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let certificate = program.certificate().cloned();
        let cold_start = begun.elapsed();
        let mut target = Self { address, cold_start, process, certificate, _config: config };
        while begun.elapsed() < START {
            if let Ok(mut client) = target.connect().await
                && client.unary().await.is_ok()
            {
                target.cold_start = begun.elapsed();
                return Ok(target);
            }
            if let Some(status) = target.process.try_wait()? {
                bail!("{program} has ended before its first answer, with {status}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("{program} answered no call within {START:?}")
    }

    /// Connects a client over HTTP/1.1, with TLS if the program serves it.
    pub(crate) async fn connect(&self) -> Result<Client> {
        match &self.certificate {
            Some(certificate) => Client::connect_tls(self.address, certificate).await,
            None => Client::connect(Wire::H1, self.address).await,
        }
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

    /// Returns the resident memory of the process, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGTERM and waits until the process has ended.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let pid = self.process.id().context("the process has ended already")?.to_string();
        // The shell's own `kill`: the program of this name is missing on small systems.
        let sent = Command::new("sh").args(["-c", r#"kill -TERM "$0""#, &pid]).status().await?;
        if !sent.success() {
            bail!("cannot send SIGTERM to process {pid}");
        }
        tokio::time::timeout(START, self.process.wait())
            .await
            .with_context(|| format!("process {pid} did not end within {START:?} of SIGTERM"))??;
        Ok(())
    }

    fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.process.id().unwrap().to_string()).join(name)
    }
}

/// Reads the port from the first line that a process prints.
async fn printed_port(process: &mut Child) -> Result<u16> {
    let mut lines = BufReader::new(process.stdout.take().context("standard output is no pipe")?).lines();
    let line = lines.next_line().await?.context("it ended without printing its address")?;
    port_in(&line).with_context(|| format!("expected an address such as http://127.0.0.1:8080 in {line:?}"))
}

/// Finds the port in a line with a URL, such as `listening on http://127.0.0.1:8080 (Ctrl-C stops it)`.
fn port_in(line: &str) -> Option<u16> {
    let url = line[line.find("http")?..].split(' ').next()?;
    url.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_the_line_that_a_server_prints() {
        assert_eq!(port_in("Drawbridge is listening on http://127.0.0.1:8080 (Ctrl-C stops it)"), Some(8080));
        assert_eq!(port_in("http://127.0.0.1:50051"), Some(50051));
        assert_eq!(port_in("no address"), None);
    }
}
