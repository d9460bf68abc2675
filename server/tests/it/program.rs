//! The program: its command line, what it prints, and how it ends.

use std::process::Output;

use drawbridge_proto::frontend::{GetUserRequest, GetUserResponse};
use drawbridge_proto::greet::{HelloReply, HelloRequest};
use drawbridge_proto::message::{Request as KeyRequest, Response as Progress};
use drawbridge_proto::user::UserRequest;

use crate::support::client::Wire;
use crate::support::program::{Program, command, text};
use crate::support::soon;

async fn output(arguments: &[&str]) -> Output {
    soon("the program's end", command().args(arguments).output()).await.unwrap()
}

/// Returns the one line of standard error that is no log, of a program that must have failed with this code.
fn complaint(output: &Output, code: i32) -> String {
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}");
    let lines: Vec<_> = words.lines().filter(|line| line.starts_with("drawbridge: ")).collect();
    assert_eq!(lines.len(), 1, "one clear line: {words}");
    lines[0].to_owned()
}

#[tokio::test]
async fn help_teaches_and_version_tells() {
    let help = output(&["--help"]).await;
    assert!(help.status.success());
    for word in ["Examples:", "--listen", "127.0.0.1:8080", "DRAWBRIDGE_LISTEN", "curl"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    let version = output(&["--version"]).await;
    assert_eq!(text(&version.stdout).trim(), concat!("drawbridge ", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_bad_flag_is_a_usage_error() {
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
async fn a_port_in_use_names_the_flag() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = complaint(&output(&["--listen", &address]).await, 1);
    assert!(line.contains(&address) && line.contains("--listen"), "{line}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let no_database = folder.path().join("letter.txt");
    std::fs::write(&no_database, "Dear Ada, this is no database. ".repeat(50)).unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--database", no_database.to_str().unwrap()];
    let line = complaint(&output(&arguments).await, 1);
    assert!(
        line.contains("letter.txt") && line.contains("not a database") && line.contains("--database"),
        "{line}"
    );

    let arguments = ["--listen", "127.0.0.1:0", "--assets", folder.path().to_str().unwrap()];
    let line = complaint(&output(&arguments).await, 1);
    assert!(line.contains("--assets"), "{line}");
}

#[tokio::test]
async fn a_file_keeps_the_directory() {
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
async fn a_call_is_one_line_when_it_opens_and_one_when_it_ends() {
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
async fn ctrl_c_and_sigterm_end_it_cleanly_with_calls_open() {
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
async fn the_environment_sets_what_flags_set() {
    let output = command().env("DRAWBRIDGE_LISTEN", "nowhere").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
}

#[tokio::test]
async fn the_frontend_calls_the_user_service_that_it_is_told_of() {
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
async fn with_tls_the_address_is_https_and_what_is_wrong_with_it_comes_before_any_address() {
    let program = Program::start(&["--tls-self-signed"]).await;
    assert!(program.address.starts_with("https://127.0.0.1:"), "{}", program.address);
    for (arguments, code, words) in [
        (&["--tls-cert", "/no/cert.pem", "--tls-key", "/no/key.pem"][..], 1, "/no/cert.pem"),
        (&["--tls-cert", "/no/cert.pem"], 2, "--tls-key"),
        (&["--tls-self-signed", "--tls-cert", "a", "--tls-key", "b"], 2, "cannot be used with"),
    ] {
        let output = output(&[&["--listen", "127.0.0.1:0", "--log", "off"], arguments].concat()).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains(words), "{arguments:?}: {}", text(&output.stderr));
        assert!(code == 2 || text(&output.stderr).lines().count() == 1, "{}", text(&output.stderr));
    }
}
