//! The WebDriver process of a browser.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{Engine, process_output};

/// How often a driver is started. Chromium's driver takes a free port on IPv4 and needs the same port on IPv6; it exits when
/// another test uses that one.
const ATTEMPTS: usize = 5;

/// A running driver on its own port. Dropping it kills the process. End the browser's session first: a browser outlives its
/// driver.
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
        bail!("{} did not print its port in {ATTEMPTS} attempts", program.display())
    }

    /// Starts the process. Returns `None` if it exits before it listens.
    async fn try_start(program: &Path) -> Result<Option<Self>> {
        let mut process = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {}. Run the tests with `cargo xtask test browser`, which finds or installs it.",
                    program.display()
                )
            })?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        // From here on the driver owns the process, so a failure kills it.
        let mut driver = Self { process, port: 0 };
        let Some(port) = process_output::first_match(stdout, port_in).await else { return Ok(None) };
        driver.port = port;
        Ok(Some(driver))
    }

    /// Returns the URL for commands.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}/", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Ends a session, and with it the browser. It blocks and needs no runtime, so that a drop can call it, even after a panic.
    pub(crate) fn end_session(&self, session: &str) -> io::Result<()> {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        // Firefox's driver requires the port in the host.
        write!(
            connection,
            "DELETE /session/{session} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n",
            Ipv4Addr::LOCALHOST,
            self.port
        )?;
        // The response arrives when the browser has exited.
        let mut response = [0; "HTTP/1.1 200".len()];
        connection.read_exact(&mut response)?;
        if response.ends_with(b"200") {
            return Ok(());
        }
        Err(io::Error::other(format!("the driver responded with {}", String::from_utf8_lossy(&response))))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the port in `ChromeDriver was started successfully on port 4444.` or `Listening on 127.0.0.1:4444`.
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
    fn the_port_is_parsed_from_the_drivers_output() {
        assert_eq!(port_in("ChromeDriver was started successfully on port 37753."), Some(37753));
        assert_eq!(port_in("1763687510000\tgeckodriver\tINFO\tListening on 127.0.0.1:4441"), Some(4441));
        assert_eq!(port_in("Starting ChromeDriver 156 (a21ce95c) on port 0"), None);
    }
}
