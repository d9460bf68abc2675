//! The end of the program: signals, the drain, and what probes say of it.

use std::net::SocketAddr;
use std::sync::Arc;

use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::user::{UserRequest, UserResponse};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::support::client::Wire;
use crate::support::program::Program;
use crate::support::{exchange, soon};

fn ada() -> HelloRequest {
    HelloRequest { name: "ada".to_owned() }
}

#[tokio::test]
async fn a_call_that_is_open_at_sigterm_ends_as_it_would_have() {
    for wire in [Wire::GRPC, Wire::WEB_H1, Wire::WEB_H2] {
        let mut program = Program::start(&[]).await;
        let address = program.socket();
        let request = UserRequest { name: "ada".to_owned(), lookup_ms: 700, fail: None };
        let answer = tokio::spawn(async move {
            let answer = wire.call(address, "/user.UserService/GetUser", &request).await;
            answer.finish::<UserResponse>().await
        });
        program.logged("call opened").await;
        assert_eq!(program.signal("-TERM").await, Some(0));
        let (users, ending) = answer.await.unwrap();
        assert_eq!((users.len(), ending.code), (1, 0), "{wire:?}: {}", ending.words);
    }
}

#[tokio::test]
async fn a_stream_that_outlives_the_drain_ends_with_a_pushback() {
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        let mut program = Program::start(&["--drain", "50ms"]).await;
        let answer = wire.call(program.socket(), "/greet.Greeter/SayHellos", &ada()).await;
        program.logged("call opened").await;
        let trailers = answer.trailers_after::<HelloReply>();
        let (code, trailers) = tokio::join!(program.signal("-TERM"), trailers);
        assert_eq!(code, Some(0));
        assert_eq!(trailers["grpc-status"], "14", "{wire:?}");
        let pushback: u32 = trailers["grpc-retry-pushback-ms"].to_str().unwrap().parse().unwrap();
        assert!(pushback < 1_000, "{pushback}");
    }
}

#[tokio::test]
async fn probes_are_red_from_the_first_moment_of_a_drain_on_and_a_second_signal_ends_it() {
    for (second, expected) in [("-TERM", 143), ("-INT", 130)] {
        let program = Program::start(&["--drain-delay", "1h"]).await;
        let address = program.socket();
        let get = |path: &'static str| async move {
            let request = format!("GET {path} HTTP/1.1\r\nhost: pod\r\nconnection: close\r\n\r\n");
            exchange(address, request.as_bytes()).await
        };
        assert!(get("/livez").await.starts_with("HTTP/1.1 200"));
        let ready = get("/readyz?verbose").await;
        assert!(
            ready.starts_with("HTTP/1.1 200") && ready.contains("accepts calls: ok\ncalls open: 0\nok\n"),
            "{ready}"
        );
        let mut health = Wire::GRPC.connect(address).await;
        assert_eq!(check(&mut health).await, 1);

        program.send("-TERM").await;
        soon("a red probe", async { while !get("/readyz").await.starts_with("HTTP/1.1 503") {} }).await;
        assert!(get("/livez").await.starts_with("HTTP/1.1 200"));
        // A new connection may make a call.
        assert_eq!(check(&mut Wire::GRPC.connect(address).await).await, 2);
        assert_eq!(program.signal(second).await, Some(expected));
    }
}

/// Asks the health service for the server's own status.
async fn check(connection: &mut crate::support::client::Connection) -> i32 {
    let request = crate::support::client::frame(&HealthCheckRequest { service: String::new() });
    let answer = Wire::GRPC.call_with(connection, "/grpc.health.v1.Health/Check", request, &[]).await;
    answer.finish::<HealthCheckResponse>().await.0[0].status
}

#[tokio::test]
async fn ctrl_c_ends_open_calls_although_there_is_a_drain() {
    let mut program = Program::start(&["--drain", "1h", "--drain-delay", "1h"]).await;
    let answer = Wire::GRPC.call(program.socket(), "/greet.Greeter/SayHellos", &ada()).await;
    program.logged("call opened").await;
    let (code, (_, ending)) = tokio::join!(program.signal("-INT"), answer.finish::<HelloReply>());
    assert_eq!((code, ending.code), (Some(0), 14));
}

#[tokio::test]
async fn sighup_does_not_end_the_program() {
    let mut program = Program::start(&[]).await;
    program.send("-HUP").await;
    program.logged("SIGHUP: nothing to read again, there is no --tls-cert and no --console-token-file").await;
    assert!(exchange(program.socket(), b"GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn sighup_reads_the_certificate_again_and_keeps_the_old_one_if_the_new_one_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let write = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    };
    let first = write("localhost");
    let paths = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let mut program = Program::start(&["--tls-cert", paths[0], "--tls-key", paths[1]]).await;
    let address = program.address.strip_prefix("https://").unwrap().parse().unwrap();
    assert!(serves(address, &first).await);

    let second = write("localhost");
    program.send("-HUP").await;
    program.logged("SIGHUP: read the certificate again").await;
    assert!(serves(address, &second).await && !serves(address, &first).await);

    std::fs::write(&key, "not a key").unwrap();
    program.send("-HUP").await;
    program.logged("SIGHUP: the new certificate cannot be used, the old one stays").await;
    assert!(serves(address, &second).await);
}

/// Returns whether the server has this certificate.
async fn serves(address: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    soon("TLS", TlsConnector::from(Arc::new(config)).connect(name, stream)).await.is_ok()
}
