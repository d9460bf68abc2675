//! HTTPS with HTTP/2 and HTTP/1.1.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drawbridge::{ConnectionOptions, Tls};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::CertifiedKey;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::client::{Connection, Wire, frame};
use crate::support::{Server, samples, soon};

/// A certificate for `localhost`, and its key, in PEM.
struct ServerCertificate {
    pem: String,
    key: String,
    roots: RootCertStore,
}

fn make_certificate() -> ServerCertificate {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    ServerCertificate { pem: cert.pem(), key: signing_key.serialize_pem(), roots }
}

async fn start(made: &ServerCertificate) -> Server {
    let tls = Tls::from_pem(made.pem.as_bytes(), made.key.as_bytes()).unwrap();
    let options = ConnectionOptions::new().with_tls(tls);
    Server::start_with(samples(), options).await
}

/// Connects with the given ALPN protocols, and returns the negotiated one.
async fn connect(server: &Server, made: &ServerCertificate, offered: &[&[u8]]) -> (Vec<u8>, Connection) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(made.roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = soon("TLS", TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap();
    let agreed = stream.get_ref().1.alpn_protocol().unwrap_or_default().to_vec();
    let stream = TokioIo::new(stream);
    let connection = if agreed == b"h2" {
        let (sender, connection) =
            http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        Connection::H2(sender)
    } else {
        let (sender, connection) = http1::handshake::<_, Full<Bytes>>(stream).await.unwrap();
        tokio::spawn(connection);
        Connection::H1(sender)
    };
    (agreed, connection)
}

#[tokio::test]
async fn each_form_of_grpc_works_over_the_negotiated_protocol() {
    let made = make_certificate();
    let server = start(&made).await;
    let both: [&[u8]; 2] = [b"h2", b"http/1.1"];
    for (wire, offered, expected) in [
        (Wire::GRPC, &both[..], "h2"),
        (Wire::WEB_H2, &both[..], "h2"),
        (Wire::TEXT_H2, &both[..1], "h2"),
        (Wire::WEB_H1, &both[1..], "http/1.1"),
        (Wire::TEXT_H1, &[], ""),
    ] {
        let (agreed, mut connection) = connect(&server, &made, offered).await;
        assert_eq!(agreed, expected.as_bytes(), "{wire:?}");
        let body = frame(&HelloRequest { name: "ada".to_owned() });
        let answer = wire.call_with(&mut connection, "/greet.Greeter/SayHello", body, &[]).await;
        let (messages, ending) = answer.finish::<HelloReply>().await;
        assert_eq!((messages[0].message.as_str(), ending.code), ("Hello Ada Lovelace", 0), "{wire:?}");
    }
}

#[tokio::test]
async fn a_client_without_tls_is_disconnected_and_delays_no_other() {
    let made = make_certificate();
    let server = start(&made).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // The server does not read all of the request, so the connection may be reset.
    let _ = soon("the connection's end", plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "no response without TLS: {answer:?}");
    let (agreed, _connection) = connect(&server, &made, &[b"h2"]).await;
    assert_eq!(agreed, b"h2");
    silent.write_all(&[0]).await.unwrap();
}

#[test]
fn an_error_says_what_is_wrong_with_a_certificate_or_key() {
    let (one, other) = (make_certificate(), make_certificate());
    let from_pem = |certificate: &str, key: &str| {
        Tls::from_pem(certificate.as_bytes(), key.as_bytes()).expect_err("an error").to_string()
    };
    assert!(from_pem(&one.pem, &other.key).contains("not that of the certificate"));
    assert!(from_pem(&one.key, &one.key).contains("no certificate"));
    assert!(from_pem(&one.pem, &one.pem).contains("no private key"));
    assert!(from_pem("", &one.key).contains("BEGIN CERTIFICATE"));

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) = (write("cert.pem", &one.pem), write("key.pem", &one.key));
    assert!(Tls::from_files(&certificate, &key).is_ok());
    let swapped = Tls::from_files(&key, &certificate).unwrap_err().to_string();
    assert!(swapped.contains("key.pem has no certificate"), "{swapped}");
    let missing = Tls::from_files(Path::new("/no/such/cert.pem"), &key).unwrap_err().to_string();
    assert!(missing.contains("/no/such/cert.pem"), "{missing}");
}
