//! The program and the servers behind it, as processes.

use drawbridge::{Bridge, ConnectionOptions, Tls};
use drawbridge_proto::message::Response as Progress;

use crate::support::client::{Ending, Wire};
use crate::support::probe::{Probe, told};
use crate::support::program::{Program, command, text};
use crate::support::{Server, soon};

const STREAM: &str = "/Message/Stream";

/// The authorities of a system that has none.
const NO_AUTHORITIES: [(&str, &str); 2] =
    [("SSL_CERT_FILE", "/no/authorities.pem"), ("SSL_CERT_DIR", "/no/authorities")];

async fn ending_of(program: &Program, path: &str) -> Ending {
    Wire::WEB_H1.call(program.socket(), path, &told("k")).await.finish::<Progress>().await.1
}

#[tokio::test]
async fn the_systems_authorities_are_needed_only_where_an_upstream_is_checked_with_them() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, private) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = Tls::from_pem(certificate.as_bytes(), private.as_bytes()).unwrap();
    let (bridge, _events) = Probe::hosted();
    let options = ConnectionOptions { tls: Some(tls), ..ConnectionOptions::default() };
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("https://localhost:{}", upstream.address.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, certificate).unwrap();
    let file = file.to_str().unwrap();

    let arguments = ["--listen", "127.0.0.1:0", "--log", "off", "--upstream", &url];
    let output = soon("the end", command().envs(NO_AUTHORITIES).args(arguments).output()).await.unwrap();
    let words = text(&output.stderr);
    assert_eq!((output.status.code(), words.lines().count()), (Some(1), 1), "{words}");
    assert!(words.contains("--upstream-ca"), "{words}");

    let mut named = command();
    named.envs(NO_AUTHORITIES);
    let program = Program::start_by(named, &["--upstream", &url, "--upstream-ca", file]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);

    let mut of_the_system = command();
    of_the_system.env("SSL_CERT_FILE", file);
    let program = Program::start_by(of_the_system, &["--upstream", &url]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);

    let (plain, _events) = Probe::start().await;
    let mut without = command();
    without.envs(NO_AUTHORITIES);
    let program = Program::start_by(without, &["--upstream", &format!("http://{}", plain.address)]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);
}

#[tokio::test]
async fn where_a_library_names_no_authorities_only_the_systems_are_believed() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls::from_pem(key.cert.pem().as_bytes(), key.signing_key.serialize_pem().as_bytes()).unwrap();
    let (bridge, _events) = Probe::hosted();
    let options = ConnectionOptions { tls: Some(tls), ..ConnectionOptions::default() };
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("https://localhost:{}", upstream.address.port());
    let server = Server::start(Bridge::new().upstream(url.parse().unwrap())).await;
    let ending = Wire::WEB_H1.call(server.address, STREAM, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("certificate"), "{}", ending.words);
}
