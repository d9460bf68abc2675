//! Who may use the console.

use drawbridge_calls_proto::{CancelRequest, CancelResponse, ServicesRequest, ServicesResponse};

use crate::support::client::{Ending, Wire};
use crate::support::probe::told;
use crate::support::program::Program;
use crate::support::upstream::RawUpstream;

const SERVICES: &str = "/drawbridge.calls.v1.Calls/Services";
const CANCEL: &str = "/drawbridge.calls.v1.Calls/Cancel";
const TOKEN: &str = "a-token-of-25-characters.";
const BY_PROXY: (&str, &str) = ("x-forwarded-for", "203.0.113.9");

/// A file with a token, which is removed with this.
struct TokenFile(std::path::PathBuf);

impl TokenFile {
    fn new(name: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("drawbridge-{}-{name}", std::process::id())));
        file.write(TOKEN);
        file
    }

    fn write(&self, token: &str) {
        std::fs::write(&self.0, format!("{token}\n")).unwrap();
    }

    fn flag(&self) -> [&str; 2] {
        ["--console-token-file", self.0.to_str().unwrap()]
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Asks the console for the services.
async fn services(program: &Program, wire: Wire, headers: &[(&str, &str)]) -> Ending {
    let answer = wire.call_with_headers(program.socket(), SERVICES, &ServicesRequest {}, headers).await;
    answer.finish::<ServicesResponse>().await.1
}

#[tokio::test]
async fn a_client_that_a_proxy_passes_on_may_not_use_the_console() {
    let mut program = Program::start(&[]).await;
    for wire in Wire::ALL {
        assert_eq!(services(&program, wire, &[]).await.code, 0, "{wire:?}");
        for header in
            [BY_PROXY, ("forwarded", "for=203.0.113.9"), ("x-forwarded-host", "a.example"), ("via", "1.1 a")]
        {
            let ending = services(&program, wire, &[header]).await;
            assert_eq!(ending.code, 7, "{wire:?} {header:?}");
            assert!(ending.words.contains("console token"), "{}", ending.words);
        }
    }
    assert_eq!(program.stop_and_count_lines("--console-token-file FILE").await, 1);
}

#[tokio::test]
async fn a_client_that_a_proxy_passes_on_cancels_no_call_without_the_token() {
    let file = TokenFile::new("cancel");
    let mut program = Program::start(&file.flag()).await;
    let request = drawbridge_proto::greet::HelloRequest { name: "ada".to_owned() };
    let open = Wire::WEB_H1.call(program.socket(), "/greet.Greeter/SayHellos", &request).await;
    let call_id = program.logged("call opened").await["call_id"].as_str().unwrap().to_owned();
    let cancel = CancelRequest { call_id, message: String::new() };
    let with = async |headers: &[(&str, &str)]| {
        let answer = Wire::WEB_H1.call_with_headers(program.socket(), CANCEL, &cancel, headers).await;
        answer.finish::<CancelResponse>().await
    };
    let (_, refused) = with(&[BY_PROXY]).await;
    assert_eq!(refused.code, 7);
    let (_, refused) = with(&[BY_PROXY, ("x-drawbridge-token", "another-token-of-27-characters")]).await;
    assert_eq!(refused.code, 7);
    let (cancelled, ending) = with(&[BY_PROXY, ("x-drawbridge-token", TOKEN)]).await;
    assert_eq!((ending.code, cancelled[0].cancelled), (0, true));
    let line = program.logged("an operator has cancelled a call").await;
    // The first eight digits of the token's SHA-256.
    assert_eq!(line["token"], "69a5c113");
    assert_eq!(program.stop_and_count_lines(TOKEN).await, 0);
    drop(open);
}

#[tokio::test]
async fn sighup_reads_the_token_again() {
    const NEW: &str = "a-new-token-of-29-characters.";
    let file = TokenFile::new("sighup");
    let mut program = Program::start(&file.flag()).await;
    let by = async |program: &Program, token| {
        services(program, Wire::GRPC, &[BY_PROXY, ("x-drawbridge-token", token)]).await.code
    };
    assert_eq!((by(&program, TOKEN).await, by(&program, NEW).await), (0, 7));
    file.write(NEW);
    program.send("-HUP").await;
    program.logged("SIGHUP: read the console's token again").await;
    assert_eq!((by(&program, TOKEN).await, by(&program, NEW).await), (7, 0));
    file.write("short");
    program.send("-HUP").await;
    let line = program.logged("SIGHUP: the console's new token cannot be used, the old one stays").await;
    assert!(line["error"].as_str().unwrap().contains("at least 20"), "{line}");
    assert_eq!(by(&program, NEW).await, 0);
}

#[tokio::test]
async fn with_a_token_the_console_is_served_on_all_addresses() {
    let file = TokenFile::new("addresses");
    let program = Program::start(&[&["--listen", "0.0.0.0:0"], &file.flag()[..]].concat()).await;
    let token = ("x-drawbridge-token", TOKEN);
    for (headers, code) in [
        (&[][..], 0),
        (&[BY_PROXY], 7),
        (&[BY_PROXY, token], 0),
        (&[token, ("origin", "http://localhost")], 0),
        (&[token, ("origin", "https://app.example")], 7),
    ] {
        assert_eq!(services(&program, Wire::WEB_H1, headers).await.code, code, "{headers:?}");
    }
}

#[tokio::test]
async fn the_token_is_not_forwarded() {
    let mut upstream = RawUpstream::start().await;
    let (server, _console) = crate::support::console::start(upstream.bridge()).await;
    let key = told("k");
    let headers = [("x-drawbridge-token", TOKEN), ("x-kept", "1")];
    let calling = Wire::GRPC.call_with_headers(server.address, "/any.Service/Method", &key, &headers);
    let (_answer, ()) = tokio::join!(calling, async {
        let mut arrived = upstream.call().await;
        assert!(arrived.head.headers.contains_key("x-kept"));
        assert!(!arrived.head.headers.contains_key("x-drawbridge-token"));
        arrived.complete(&bytes::Bytes::new(), &[]);
    });
}

#[tokio::test]
async fn a_token_that_is_too_short_ends_the_start() {
    let file = TokenFile::new("short");
    file.write("short");
    let mut command = crate::support::program::command();
    let output =
        command.args(["--listen", "127.0.0.1:0", "--log", "off"]).args(file.flag()).output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("has 5 characters") && error.contains("--console-token-file"), "{error}");
}
