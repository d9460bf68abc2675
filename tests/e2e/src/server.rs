//! The server process under test.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{Call, Environment, Event, Log, process_output};

const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running server that serves the built page on its own port. Dropping it kills the process.
pub struct Server {
    environment: Environment,
    process: Child,
    address: SocketAddr,
    scheme: &'static str,
    /// The additional arguments.
    arguments: Vec<String>,
    log: Log,
}

impl Server {
    /// Starts a server on a free port.
    ///
    /// # Errors
    ///
    /// When it does not print its address, with the end of its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server on a free port with additional `arguments`.
    ///
    /// # Errors
    ///
    /// When it does not print its address, with the end of its log.
    pub async fn start_with(arguments: &[&str]) -> Result<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self::listen(Environment::read()?, FREE_PORT, "http", arguments).await
    }

    /// Starts `examples/tonic-web` on a free port: services behind tonic-web, with the CALL layer and without a console.
    ///
    /// # Errors
    ///
    /// When it does not print its address, with the end of its log.
    pub async fn start_tonic_web() -> Result<Self> {
        Self::listen(Environment::read_with_tonic_web()?, FREE_PORT, "http", Vec::new()).await
    }

    /// Starts a server that listens on a free port of all addresses.
    ///
    /// # Errors
    ///
    /// When it does not print its address, with the end of its log.
    pub async fn start_on_all_addresses() -> Result<Self> {
        let every = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let mut server = Self::listen(Environment::read()?, every, "http", Vec::new()).await?;
        server.address.set_ip(Ipv4Addr::LOCALHOST.into());
        Ok(server)
    }

    /// Starts a server with TLS on a free port. Browsers use HTTP/2 with it.
    ///
    /// # Errors
    ///
    /// When it does not print its address, with the end of its log.
    pub async fn start_with_tls() -> Result<Self> {
        Self::listen(Environment::read()?, FREE_PORT, "https", vec!["--tls-self-signed".to_owned()]).await
    }

    async fn listen(
        environment: Environment,
        address: SocketAddr,
        scheme: &'static str,
        arguments: Vec<String>,
    ) -> Result<Self> {
        let mut command = Command::new(&environment.program);
        command
            .arg("--listen")
            .arg(address.to_string())
            .arg("--assets")
            .arg(&environment.page)
            .args(["--log-format", "json"])
            .args(&arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // The program also reads flags from the environment. Those of the developer must not change the test.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("DRAWBRIDGE_"))
        {
            command.env_remove(name);
        }
        let mut process =
            command.spawn().with_context(|| format!("cannot start {}", environment.program.display()))?;
        let stdout = process.stdout.take().context("stdout is piped")?;
        let stderr = process.stderr.take().context("stderr is piped")?;
        // From here on the server owns the process, so a failure kills it.
        let mut server = Self {
            environment,
            process,
            address,
            scheme,
            arguments,
            log: Log::new(process_output::collect(stderr, Event::parse)),
        };
        server.address = process_output::first_match(stdout, address_in).await.with_context(|| {
            format!("the server did not print its address. Its log ends:\n{}", server.log)
        })?;
        Ok(server)
    }

    /// Returns the URL of `path` on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Returns the URL of `path` with the host `localhost`, which is another site for the browser.
    pub fn url_of_another_site(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// Returns the log since the last start.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits for the next call of `method` to open. Each call is returned once.
    pub async fn next_call(&self, method: &str) -> Result<Call> {
        self.log.next_call(method).await
    }

    /// Kills the server, which breaks all connections.
    pub fn kill(&mut self) {
        // The process may have exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks the server to stop (SIGTERM), and waits for its exit. Start it with `--drain 0s`, or open calls hold it up.
    pub fn terminate(&mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        ensure!(asked.success(), "the server had exited");
        self.process.wait()?;
        Ok(())
    }

    /// Kills the server and starts it again on the same port, with an empty log.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        let arguments = std::mem::take(&mut self.arguments);
        *self = Self::listen(self.environment.clone(), self.address, self.scheme, arguments).await?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the address in a line such as `Open http://127.0.0.1:8080 in a browser.`
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("://")?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_parsed_from_the_servers_output() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 4321)));
        assert_eq!(address_in("Open http://127.0.0.1:4321 in a browser."), address);
        assert_eq!(address_in("http://127.0.0.1:4321/"), address);
        assert_eq!(address_in("Drawbridge 0.1.0"), None);
    }
}
