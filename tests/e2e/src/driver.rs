//! The process that a browser is driven through.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{Engine, output};

/// How often a driver is started before it is given up. Chromium's takes a free port of IPv4 and then wants the same one of
/// IPv6; where another test has that one, it ends.
const ATTEMPTS: usize = 5;

/// A running driver, on a port of its own. Dropping it kills the process; a browser's session is to be ended first,
/// since a browser outlives its driver.
pub(crate) struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        let program = engine.driver();
        for _ in 0..ATTEMPTS {
            if let Some(driver) = Self::try_start(&program).await? {
                return Ok(driver);
            }
        }
        bail!("{} did not say where it listens, in {ATTEMPTS} attempts", program.display())
    }

    /// Starts the process, or returns `None` where it ends without having listened.
    async fn try_start(program: &Path) -> Result<Option<Self>> {
        let mut process = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {}. `cargo xtask` finds it, or says what to install.",
                    program.display()
                )
            })?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        // From here on a failure kills the process, since the driver owns it.
        let mut driver = Self { process, port: 0 };
        let Some(port) = output::announcement(stdout, port_in).await else { return Ok(None) };
        driver.port = port;
        Ok(Some(driver))
    }

    /// Returns where the driver takes commands.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}/", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Ends a session, and with it the browser. It blocks and needs no runtime, so that a drop can call it, also the one of a test that panicked.
    pub(crate) fn end_session(&self, session: &str) -> io::Result<()> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        // Firefox's driver wants the port to be named.
        write!(
            connection,
            "DELETE /session/{session} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n",
            Ipv4Addr::LOCALHOST,
            self.port
        )?;
        // The answer comes when the browser has ended.
        let mut answer = [0; "HTTP/1.1 200".len()];
        connection.read_exact(&mut answer)?;
        if answer.ends_with(b"200") {
            return Ok(());
        }
        Err(io::Error::other(format!("the driver answered {}", String::from_utf8_lossy(&answer))))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Finds the port that `ChromeDriver was started successfully on port 4444.` names, or `Listening on 127.0.0.1:4444`.
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line
        .split_once("successfully on port ")
        .or_else(|| line.split_once("Listening on ")?.1.rsplit_once(':'))?;
    rest.trim_end_matches(['.', ' ']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_names_the_port() {
        assert_eq!(port_in("ChromeDriver was started successfully on port 37753."), Some(37753));
        assert_eq!(port_in("1763687510000\tgeckodriver\tINFO\tListening on 127.0.0.1:4441"), Some(4441));
        assert_eq!(port_in("Starting ChromeDriver 156 (a21ce95c) on port 0"), None);
    }
}
