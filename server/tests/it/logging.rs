//! Standard error that nobody reads: no call fails or waits because of it.

use drawbridge_proto::greet::{HelloReply, HelloRequest};

use crate::support::client::{Connection, Wire, frame};
use crate::support::program::Program;

const HELLO: &str = "/greet.Greeter/SayHello";

async fn call(connection: &mut Connection) {
    let request = frame(&HelloRequest { name: "ada".to_owned() });
    let answer = Wire::GRPC.call_with(connection, HELLO, request, &[]).await;
    let (replies, ending) = answer.finish::<HelloReply>().await;
    assert_eq!((replies.len(), ending.code), (1, 0), "{}", ending.words);
}

#[tokio::test]
async fn calls_go_on_after_the_reader_of_the_log_is_gone() {
    let program = Program::start(&[]).await.close_log();
    for wire in [Wire::GRPC, Wire::WEB_H1] {
        for _ in 0..20 {
            let request = HelloRequest { name: "ada".to_owned() };
            let answer = wire.call(program.socket(), HELLO, &request).await;
            assert_eq!(answer.finish::<HelloReply>().await.1.code, 0);
        }
    }
}

#[tokio::test]
async fn calls_go_on_while_the_log_is_not_read_and_the_lines_that_are_lost_are_counted() {
    // Each call logs hundreds of lines.
    let mut program = Program::start(&["--log", "trace"]).await;
    let mut connection = Wire::GRPC.connect(program.socket()).await;
    for _ in 0..200 {
        call(&mut connection).await;
    }
    let dropped =
        program.logged("log lines were dropped: standard error was not read as fast as they came").await;
    assert!(dropped["lines"].as_u64().unwrap() > 0);
    call(&mut connection).await;
    while program.logged("call ended").await["duration_ms"].is_null() {}
}
