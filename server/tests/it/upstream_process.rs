//! The program and its upstreams as processes: flags, and what happens to calls when an upstream is killed, paused or
//! restarted.

use std::time::Duration;

use drawbridge::{Bridge, ConnectionOptions, PoolOptions, Tls};
use drawbridge_proto::message::Response as Progress;

use crate::support::client::{Answer, Connection, Ending, Wire, frame};
use crate::support::probe::{Probe, told};
use crate::support::program::{Program, command, text};
use crate::support::upstream::{bridge_to, upstream_at, with_causes};
use crate::support::{Server, soon};

const STREAM: &str = "/Message/Stream";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// The environment of a system without trust roots.
const NO_TRUST_ROOTS: [(&str, &str); 2] =
    [("SSL_CERT_FILE", "/no/authorities.pem"), ("SSL_CERT_DIR", "/no/authorities")];

async fn ending_of(program: &Program, path: &str) -> Ending {
    Wire::WEB_H1.call(program.socket(), path, &told("k")).await.finish::<Progress>().await.1
}

#[tokio::test]
async fn the_systems_trust_roots_are_loaded_only_for_https_upstreams_without_a_ca_file() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, private) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = Tls::from_pem(certificate.as_bytes(), private.as_bytes()).unwrap();
    let (bridge, _events) = Probe::hosted();
    let options = ConnectionOptions::new().with_tls(tls);
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("https://localhost:{}", upstream.address.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, certificate).unwrap();
    let file = file.to_str().unwrap();

    let arguments = ["--listen", "127.0.0.1:0", "--log", "off", "--upstream", &url];
    let output = soon("the end", command().envs(NO_TRUST_ROOTS).args(arguments).output()).await.unwrap();
    let words = text(&output.stderr);
    assert_eq!((output.status.code(), words.lines().count()), (Some(1), 1), "{words}");
    assert!(words.contains("--upstream-ca"), "{words}");

    let mut named = command();
    named.envs(NO_TRUST_ROOTS);
    let program = Program::start_by(named, &["--upstream", &url, "--upstream-ca", file]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);

    let mut with_system_roots = command();
    with_system_roots.env("SSL_CERT_FILE", file);
    let program = Program::start_by(with_system_roots, &["--upstream", &url]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);

    let (plain, _events) = Probe::start().await;
    let mut without = command();
    without.envs(NO_TRUST_ROOTS);
    let program = Program::start_by(without, &["--upstream", &format!("http://{}", plain.address)]).await;
    assert_eq!(ending_of(&program, STREAM).await.code, 0);
}

#[tokio::test]
async fn without_configured_trust_roots_the_systems_are_used() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = Tls::from_pem(key.cert.pem().as_bytes(), key.signing_key.serialize_pem().as_bytes()).unwrap();
    let (bridge, _events) = Probe::hosted();
    let options = ConnectionOptions::new().with_tls(tls);
    let upstream = Server::start_with(bridge, options).await;
    let url = format!("https://localhost:{}", upstream.address.port());
    let (bridge, mut causes) = with_causes(Bridge::new().upstream(url.parse().unwrap()));
    let server = Server::start(bridge).await;
    let ending = Wire::WEB_H1.call(server.address, STREAM, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    let cause = causes.recv().await.unwrap();
    assert!(cause.contains("certificate"), "{cause}");
}

#[tokio::test]
async fn the_samples_are_hosted_without_upstreams_or_with_the_samples_flag() {
    let (upstream, _events) = Probe::start().await;
    let url = format!("http://{}", upstream.address);
    for (arguments, first) in [
        (&["--upstream", &url][..], "k"),
        (&["--upstream", &url, "--samples"], "key: k, progress: +"),
        (&[], "key: k, progress: +"),
    ] {
        let program = Program::start(arguments).await;
        let mut answer = Wire::WEB_H1.call(program.socket(), STREAM, &told("k")).await;
        assert_eq!(answer.message::<Progress>().await.unwrap().message, first, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_catch_all_forwards_reflection_if_it_is_exposed() {
    let own = Program::start(&[]).await;
    for (arguments, exposed) in [
        (&["--upstream", &own.address][..], false),
        (&["--upstream", &own.address, "--expose", "grpc.channelz.*"], false),
        (&["--upstream", &own.address, "--expose", "grpc.reflection.*"], true),
    ] {
        let program = Program::start(arguments).await;
        // An empty reflection request, which a server with reflection refuses with a message of its own.
        let answer = Wire::GRPC.call(program.socket(), REFLECTION, &told("")).await;
        let ending = answer.finish::<()>().await.1;
        assert_eq!(ending.words.contains("does not expose"), !exposed, "{arguments:?}: {}", ending.words);
    }
}

/// Opens a stream in each form of gRPC, and waits for its first message. The samples send the next one a second later.
async fn open_streams(server: &Server) -> Vec<(Wire, Connection, Answer)> {
    let mut open = Vec::new();
    for wire in Wire::ALL {
        let mut connection = wire.connect(server.address).await;
        let answer = wire.call_with(&mut connection, STREAM, frame(&told("k")), &[]).await;
        open.push((wire, connection, answer));
    }
    for (_, _, answer) in &mut open {
        answer.message::<Progress>().await.expect("the first message");
    }
    open
}

#[tokio::test]
async fn calls_to_a_killed_upstream_are_unavailable_until_it_is_restarted() {
    let own = Program::start(&[]).await;
    let address = own.socket();
    let (bridge, mut causes) = with_causes(bridge_to(address));
    let server = Server::start(bridge).await;
    let open = open_streams(&server).await;
    assert_eq!(own.signal("-KILL").await, None, "killed by a signal, so without an exit code");
    for (wire, _connection, answer) in open {
        let ending = answer.finish::<Progress>().await.1;
        assert_eq!(ending.code, 14, "{wire:?}: {}", ending.words);
        let cause = causes.recv().await.unwrap();
        assert!(cause.contains(&address.to_string()), "{cause}");
    }
    let ending = Wire::GRPC.call(server.address, STREAM, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    let cause = causes.recv().await.unwrap();
    assert!(cause.contains("refused"), "{cause}");

    let _restarted = Program::start(&["--listen", &address.to_string()]).await;
    let mut answer = Wire::GRPC.call(server.address, STREAM, &told("k")).await;
    assert_eq!(answer.message::<Progress>().await.unwrap().message, "key: k, progress: +");
}

#[tokio::test]
async fn calls_to_a_paused_upstream_are_unavailable_until_it_continues() {
    let timeout = Duration::from_secs(1);
    let own = Program::start(&[]).await;
    let options = PoolOptions::new().with_keepalive(timeout).with_connect_timeout(timeout);
    let server = Server::start(Bridge::new().upstream(upstream_at(own.socket()).pool(options))).await;
    let open = open_streams(&server).await;
    own.send("-STOP").await;
    for (wire, _connection, answer) in open {
        let ending = answer.finish::<Progress>().await.1;
        assert_eq!(ending.code, 14, "{wire:?}");
        assert!(ending.words.contains("did not answer a ping"), "{wire:?}: {}", ending.words);
    }
    // The kernel still accepts connections for the paused process.
    let ending = Wire::GRPC.call(server.address, STREAM, &told("k")).await.ending().await;
    assert_eq!(ending.code, 14);
    assert!(ending.words.contains("did not answer within"), "{}", ending.words);

    own.send("-CONT").await;
    soon("a call to be answered", async {
        loop {
            let mut answer = Wire::GRPC.call(server.address, STREAM, &told("k")).await;
            if !answer.headers.contains_key("grpc-status") && answer.message::<Progress>().await.is_some() {
                break;
            }
        }
    })
    .await;
}
