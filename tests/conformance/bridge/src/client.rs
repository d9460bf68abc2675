//! The client under test.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::thread;

use anyhow::{Context as _, Result};
use drawbridge::{Tls, Upstream};
use drawbridge_conformance_contract::pipe;
use drawbridge_conformance_contract::v1::ClientCompatRequest;
use prost::Message as _;
use tokio::sync::mpsc;

/// Runs the suite's client, and passes the runner's cases to it, each redirected to the bridge of its server.
pub(crate) async fn run(program: &str) -> Result<()> {
    let mut client = crate::program::start(program)?;
    let mut to = client.stdin.take().context("the client has no input")?;
    let mut from = client.stdout.take().context("the client has no output")?;
    // Results are passed on unchanged.
    let results = thread::spawn(move || -> io::Result<()> {
        while let Some(result) = pipe::read(&mut from)? {
            pipe::write(&mut io::stdout().lock(), &result)?;
        }
        Ok(())
    });

    let (sender, mut cases) = mpsc::unbounded_channel();
    thread::spawn(move || {
        while let Ok(Some(case)) = pipe::read(&mut io::stdin().lock()) {
            if sender.send(case).is_err() {
                break;
            }
        }
    });
    let mut bridges = Bridges::new()?;
    while let Some(case) = cases.recv().await {
        let mut case = ClientCompatRequest::decode(case.as_slice())?;
        bridges.redirect(&mut case).await?;
        pipe::write(&mut to, &case.encode_to_vec())?;
    }
    drop(to);
    client.wait()?;
    results.join().map_err(|_| anyhow::anyhow!("the thread that passes on results panicked"))??;
    Ok(())
}

/// One bridge in front of each server, by the server's address.
struct Bridges {
    started: HashMap<String, SocketAddr>,
    /// The certificate of all bridges and its key, in PEM.
    certificate: (String, String),
}

impl Bridges {
    fn new() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let certificate = (made.cert.pem(), made.signing_key.serialize_pem());
        Ok(Self { started: HashMap::new(), certificate })
    }

    /// Changes the address of a case to the bridge of its server, which is started if necessary.
    async fn redirect(&mut self, case: &mut ClientCompatRequest) -> Result<()> {
        let tls = !case.server_tls_cert.is_empty();
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://{}:{}", case.host, case.port);
        let (pem, key) = &self.certificate;
        let address = if let Some(address) = self.started.get(&url) {
            *address
        } else {
            let mut upstream = Upstream::new(&url)?;
            if tls {
                upstream = upstream.certificate_authorities(&case.server_tls_cert)?;
            }
            let served = tls.then(|| Tls::from_pem(pem.as_bytes(), key.as_bytes())).transpose()?;
            let address = crate::bridge::start(upstream, served).await?;
            self.started.insert(url, address);
            address
        };
        case.host = address.ip().to_string();
        case.port = address.port().into();
        if tls {
            case.server_tls_cert = pem.clone().into_bytes();
        }
        Ok(())
    }
}
