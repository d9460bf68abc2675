//! Only clients with a certificate get through, with either way to serve TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use drawbridge::{Bridge, ConnectionOptions, Listener, PeerCertificates, serve};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::own_tls::{TlsListener, for_serve, mutual_tls};
use drawbridge_proto::greet::greeter_client::GreeterClient;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::transport::Endpoint;

use crate::support::{bob, listen};

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// An authority, and what it vouches for.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add(self.certificate.clone()).unwrap();
        store
    }

    fn server(&self) -> Arc<ServerConfig> {
        let (certificate, key) = self.identity("localhost");
        mutual_tls(certificate, key, self.store()).unwrap()
    }
}

/// Serves a greeter on any listener.
fn start(listener: impl Listener, options: ConnectionOptions) {
    let mut bridge =
        Bridge::new().add_service(GreeterServer::new(MyGreeter::default())).intercept(|head| async {
            // A handler could look in the same place.
            match head.extensions.get::<PeerCertificates>() {
                Some(PeerCertificates(chain)) if chain.len() == 1 => Ok(head),
                _ => Err(Status::unauthenticated("who is this?")),
            }
        });
    let calls = bridge.calls();
    tokio::spawn(serve(listener, bridge.into_service(), calls, options, std::future::pending()));
}

/// Greets over TLS, with a client certificate or without.
async fn greet(
    address: SocketAddr,
    authority: &Authority,
    client: Option<Identity>,
) -> Result<String, Status> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.store());
    let mut config = match client {
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let connect = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    let channel = Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect);
    Ok(GreeterClient::new(channel).say_hello(bob()).await?.into_inner().message)
}

/// Checks who may call a server.
async fn check(address: SocketAddr, authority: &Authority) {
    let known = greet(address, authority, Some(authority.identity("client"))).await;
    assert_eq!(known.unwrap(), "Hello Bob");
    greet(address, authority, None).await.expect_err("a client without a certificate");
    let foreign = Authority::new().identity("client");
    greet(address, authority, Some(foreign))
        .await
        .expect_err("a client with a certificate of another authority");
    // A failed handshake costs nothing but its own connection.
    greet(address, authority, Some(authority.identity("client"))).await.unwrap();
}

#[tokio::test]
async fn the_server_takes_a_configuration_that_asks_for_client_certificates() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    start(listener, ConnectionOptions::new().with_tls(for_serve(authority.server())));
    check(address, &authority).await;
}

#[tokio::test]
async fn a_listener_may_perform_the_handshakes_itself() {
    let authority = Authority::new();
    let (listener, address) = listen().await;
    start(TlsListener::new(listener, authority.server()), ConnectionOptions::new());
    // A client that never begins its handshake delays no other.
    let _silent = TcpStream::connect(address).await.unwrap();
    check(address, &authority).await;
}
