//! The program: its command line, its output, and its exit.

use std::process::Output;

use drawbridge_calls_proto::CancelRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use drawbridge_proto::user::UserRequest;

use tonic::transport::Endpoint;

use crate::support::client::Wire;
use crate::support::console::watch;
use crate::support::program::{Program, command, text};
use crate::support::{exchange, soon};

async fn output(arguments: &[&str]) -> Output {
    soon("the program's end", command().args(arguments).output()).await.unwrap()
}

/// Returns the error message of a program that must have exited with this code: one line of standard error.
fn error_line(output: &Output, code: i32) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("drawbridge: ")).collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    lines[0].to_owned()
}

#[tokio::test]
async fn help_describes_the_flags_and_version_prints_the_version() {
    let help = output(&["--help"]).await;
    assert!(help.status.success());
    for part in ["Examples:", "--listen", "127.0.0.1:8080", "DRAWBRIDGE_LISTEN", "curl"] {
        assert!(text(&help.stdout).contains(part), "{part}");
    }
    let version = output(&["--version"]).await;
    assert_eq!(text(&version.stdout).trim(), concat!("drawbridge ", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn an_invalid_flag_exits_with_2_and_an_error() {
    for arguments in [
        &["--no-such-flag"][..],
        &["--listen", "nowhere"],
        &["--allow-origin", "*"],
        &["--allow-host", "http://a"],
        &["--max-calls", "0"],
        &["--default-deadline", "30"],
        &["--log", "drawbridge=loud"],
        &["--retry", "3:UNAVAILABLE"],
        &["--upstream", "http://127.0.0.1:1", "--retry", "UNAVAILABLE"],
    ] {
        let output = output(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn an_error_for_a_port_in_use_names_the_flag() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = error_line(&output(&["--listen", &address]).await, 1);
    assert!(line.contains(&address) && line.contains("--listen"), "{line}");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_an_error_of_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let not_a_database = folder.path().join("letter.txt");
    std::fs::write(&not_a_database, "Dear Ada, this is not a database. ".repeat(50)).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--database", not_a_database.to_str().unwrap()];
    let line = error_line(&output(&arguments).await, 1);
    assert!(
        line.contains("letter.txt") && line.contains("not a database") && line.contains("--database"),
        "{line}"
    );

    let arguments = ["--listen", "127.0.0.1:0", "--assets", folder.path().to_str().unwrap()];
    let line = error_line(&output(&arguments).await, 1);
    assert!(line.contains("--assets"), "{line}");
}

#[tokio::test]
async fn the_user_directory_in_a_file_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.db");
    let arguments = ["--database", path.to_str().unwrap()];
    for _ in 0..2 {
        let program = Program::start(&arguments).await;
        let request = HelloRequest { name: "grace".to_owned() };
        let answer = Wire::GRPC.call(program.socket(), "/greet.Greeter/SayHello", &request).await;
        assert_eq!(answer.finish::<HelloReply>().await.0[0].message, "Hello Grace Hopper");
        assert_eq!(program.signal("-TERM").await, Some(0));
    }
}

#[tokio::test]
async fn a_call_logs_one_line_when_it_opens_and_one_when_it_ends() {
    let mut program = Program::start(&[]).await;
    let request = KeyRequest { key: "a\nb\u{1b}[31m".to_owned() };
    let mut answer = Wire::WEB_H1.call(program.socket(), "/Message/Stream", &request).await;
    let opened = program.logged("call opened").await;
    assert_eq!(opened["method"], "/Message/Stream");
    assert_eq!(opened["protocol"], "grpc-web");
    assert!(opened["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    answer.message::<Progress>().await.expect("the first message");
    program.logged(r"key: a\nb\u{1b}[31m, progress: +").await;
    drop(answer);
    let ended = program.logged("call ended").await;
    assert_eq!(ended["call_id"], opened["call_id"]);
    assert_eq!(ended["call_id"].as_str().unwrap().len(), 32);
    assert_eq!(ended["end"], "client gone");
    assert_eq!(ended["messages"], 1);
    assert!(ended["duration_ms"].as_f64().unwrap() >= 1000.0, "the first message comes after a second");
}

#[tokio::test]
async fn ctrl_c_and_sigterm_exit_cleanly_with_open_calls() {
    for signal in ["-INT", "-TERM"] {
        let program = Program::start(&[]).await;
        let request = HelloRequest { name: "ada".to_owned() };
        let answer = Wire::WEB_H1.call(program.socket(), "/greet.Greeter/SayHellos", &request).await;
        let (code, ending) = tokio::join!(program.signal(signal), answer.finish::<HelloReply>());
        assert_eq!(code, Some(0), "{signal}");
        assert_eq!(ending.1.code, 14, "{signal}");
    }
}

#[tokio::test]
async fn the_console_lists_and_ends_the_calls_of_all_threads() {
    let program = Program::start(&["--threads", "3"]).await;
    let mut streams = Vec::new();
    for _ in 0..6 {
        // Each call has a connection of its own, and the connections are spread over the threads.
        let request = HelloRequest { name: "ada".to_owned() };
        streams.push(Wire::WEB_H1.call(program.socket(), "/greet.Greeter/SayHellos", &request).await);
    }
    let channel = Endpoint::from_shared(program.address.clone()).unwrap().connect().await.unwrap();
    let mut console = CallsClient::new(channel);
    let mut watched = watch(&mut console).await;
    let snapshot = soon("the open calls", watched.message()).await.unwrap().unwrap();
    assert_eq!((snapshot.open, snapshot.calls.len()), (6, 6));
    for call in snapshot.calls {
        let cancel = CancelRequest { call_id: call.call_id, message: "enough".to_owned() };
        assert!(console.cancel(cancel).await.unwrap().into_inner().cancelled);
    }
    for stream in streams {
        let (_, ending) = stream.finish::<HelloReply>().await;
        assert_eq!((ending.code, ending.words.as_str()), (1, "enough"));
    }
}

#[tokio::test]
async fn a_flag_can_be_set_by_its_environment_variable() {
    let output = command().env("DRAWBRIDGE_LISTEN", "nowhere").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
}

#[tokio::test]
async fn a_variable_of_no_flag_is_an_error_that_names_the_one_that_was_meant() {
    let start = |name: &str| soon("the end", command().env(name, "http://127.0.0.1:1").output());
    let output = start("DRAWBRIDGE_UPSTREEM").await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("DRAWBRIDGE_UPSTREEM") && stderr.contains("DRAWBRIDGE_UPSTREAM"), "{stderr}");
    assert_eq!(text(&output.stdout), "");
}

#[tokio::test]
async fn the_start_is_one_line_of_the_log() {
    let mut command = command();
    command.env("DRAWBRIDGE_MAX_CALLS", "7").env("DRAWBRIDGE_MAX_STREAMS", "200");
    let arguments = ["--upstream", "a.B=http://127.0.0.1:1", "--samples", "--tls-self-signed"];
    let mut program = Program::start_by(command, &arguments).await;
    let line = program.logged("started").await;
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["address"].as_str().unwrap(), program.address);
    let flags = line["flags"].as_str().unwrap();
    for flag in ["--listen 127.0.0.1:0", "--max-calls 7", "--upstream a.B=http://127.0.0.1:1", "--samples"] {
        assert!(flags.contains(flag), "{flag} in {flags}");
    }
    assert!(!flags.contains("max-streams"), "200 is the default: {flags}");
    assert_eq!(line["open_to"], "this machine only");
    assert_eq!(line["console"], "for this machine");
    assert_eq!((&line["upstreams"], &line["samples"]), (&1.into(), &true.into()));
    let mut program = Program::start(&["--listen", "0.0.0.0:0"]).await;
    let line = program.logged("started").await;
    assert_eq!(line["open_to"], "every network of this machine");
    assert_eq!(line["console"], "not served");
}

#[tokio::test]
async fn the_log_says_who_has_cancelled_a_call() {
    let mut program = Program::start(&[]).await;
    let request = HelloRequest { name: "ada".to_owned() };
    let answer = Wire::WEB_H1.call(program.socket(), "/greet.Greeter/SayHellos", &request).await;
    let opened = program.logged("call opened").await;
    let call_id = opened["call_id"].as_str().unwrap().to_owned();
    let cancel = CancelRequest { call_id: call_id.clone(), message: "enough".to_owned() };
    let path = "/drawbridge.calls.v1.Calls/Cancel";
    let cancelled = Wire::GRPC.call(program.socket(), path, &cancel).await;
    let operator = program.logged("call opened").await;
    let line = program.logged("an operator has cancelled a call").await;
    assert_eq!(line["call_id"].as_str(), Some(&*call_id));
    assert_eq!(line["peer"], operator["peer"]);
    assert_eq!(line["method"], "/greet.Greeter/SayHellos");
    assert_eq!(line["message"], "an operator has cancelled a call");
    drop((answer, cancelled));
}

#[tokio::test]
async fn the_frontend_calls_the_configured_user_service() {
    let mut users = Program::start(&[]).await;
    let frontend = Program::start(&["--user-service", &users.address]).await;
    let user = UserRequest { name: "ada".to_owned(), lookup_ms: 0, fail: None };
    let request = GetUserRequest { user: Some(user), child_timeout_ms: None, fail: None };
    let headers = [("x-request-id", "order-17"), ("grpc-timeout", "1H")];
    let path = "/frontend.FrontendService/GetUser";
    let answer = Wire::WEB_H1.call_with_headers(frontend.socket(), path, &request, &headers).await;
    let (messages, ending) = answer.finish::<GetUserResponse>().await;
    assert_eq!(ending.code, 0, "{}", ending.words);
    assert_eq!(messages[0].user.as_ref().unwrap().display_name, "Ada Lovelace");
    let opened = users.logged("call opened").await;
    assert_eq!(opened["method"], "/user.UserService/GetUser");
    assert_eq!(opened["request_id"], "order-17");
    assert!(opened["deadline_ms"].as_f64().unwrap() < 3_600_000.0);
}

#[tokio::test]
async fn tls_changes_the_scheme_and_its_errors_come_before_the_address_is_printed() {
    let program = Program::start(&["--tls-self-signed"]).await;
    assert!(program.address.starts_with("https://127.0.0.1:"), "{}", program.address);
    for (arguments, code, message) in [
        (&["--tls-cert", "/no/cert.pem", "--tls-key", "/no/key.pem"][..], 1, "/no/cert.pem"),
        (&["--tls-cert", "/no/cert.pem"], 2, "--tls-key"),
        (&["--tls-self-signed", "--tls-cert", "a", "--tls-key", "b"], 2, "cannot be used with"),
    ] {
        let output = output(&[&["--listen", "127.0.0.1:0", "--log", "off"], arguments].concat()).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
        assert!(code == 2 || text(&output.stderr).lines().count() == 1, "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_refused_host_name_logs_once_which_flag_accepts_it() {
    let mut program = Program::start(&[]).await;
    let request = "GET / HTTP/1.1\r\nhost: bridge.example\r\nconnection: close\r\n\r\n";
    let call = "POST /greet.Greeter/SayHello HTTP/1.1\r\nhost: bridge.example\r\nconnection: close\r\n\
                content-type: application/grpc-web\r\ncontent-length: 0\r\n\r\n";
    let hint = "--allow-host NAME";
    for _ in 0..2 {
        let response = exchange(program.socket(), request.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
    }
    assert_eq!(program.stop_and_count_lines(hint).await, 1);
    let mut program = Program::start(&[]).await;
    for _ in 0..2 {
        let response = exchange(program.socket(), call.as_bytes()).await;
        assert!(response.contains("grpc-status: 7"), "{response}");
    }
    assert_eq!(program.stop_and_count_lines(hint).await, 1);
    let mut program = Program::start(&["--allow-host", "bridge.example"]).await;
    let response = exchange(program.socket(), request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert_eq!(program.stop_and_count_lines(hint).await, 0);
}

#[tokio::test]
async fn a_service_that_is_not_exposed_logs_once_which_flag_exposes_it() {
    let hint = "--expose PATTERN";
    let upstream = Program::start(&[]).await;
    for (arguments, hints) in [(&[][..], 1), (&["--expose", "grpc.*"], 0)] {
        let mut program = Program::start(&[&["--upstream", &upstream.address], arguments].concat()).await;
        for wire in Wire::ALL {
            let path = "/grpc.channelz.v1.Channelz/GetServers";
            let ending = wire.call(program.socket(), path, &()).await.ending().await;
            assert_eq!(ending.code, 12, "{wire:?}");
        }
        assert_eq!(program.stop_and_count_lines(hint).await, hints, "{arguments:?}");
    }
}
