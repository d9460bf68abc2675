//! Health checks of a program that forwards calls: `""` is the program itself, other names belong to the servers that have them.

use drawbridge::Bridge;
use tonic_health::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::HealthReporter;

use crate::support::Server;
use crate::support::client::{Answer, Wire};
use crate::support::program::Program;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// Starts a server with a health service that says `NOT_SERVING` of `""`.
async fn upstream() -> (Server, HealthReporter) {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("", ServingStatus::NotServing).await;
    (Server::start(Bridge::new().add_service(service)).await, reporter)
}

async fn ask(program: &Program, wire: Wire, method: &str, service: &str) -> Answer {
    let request = HealthCheckRequest { service: service.to_owned() };
    wire.call(program.socket(), &format!("/grpc.health.v1.Health/{method}"), &request).await
}

/// Returns the status of a service, or the code of the failure.
async fn check(program: &Program, wire: Wire, service: &str) -> Result<i32, i32> {
    let (messages, ending) = ask(program, wire, "Check", service).await.finish::<HealthCheckResponse>().await;
    messages.first().map(|message| message.status).ok_or(ending.code)
}

#[tokio::test]
async fn the_program_answers_for_itself_and_the_upstreams_for_their_services() {
    const NOT_FOUND: i32 = 5;
    let ((rest, of_rest), (shop, of_shop)) = (upstream().await, upstream().await);
    of_rest.set_service_status("any.Thing", ServingStatus::Serving).await;
    of_shop.set_service_status("shop.Orders", ServingStatus::NotServing).await;
    let (rest, shop) = (format!("http://{}", rest.address), format!("shop=http://{}", shop.address));
    for (arguments, of_any) in [
        (&["--upstream", &*rest, "--upstream", &*shop][..], Ok(SERVING)),
        (&["--upstream", &*shop], Err(NOT_FOUND)),
    ] {
        let program = Program::start(arguments).await;
        for wire in [Wire::GRPC, Wire::WEB_H1] {
            assert_eq!(check(&program, wire, "").await, Ok(SERVING), "{wire:?}, {arguments:?}");
            assert_eq!(check(&program, wire, "shop.Orders").await, Ok(NOT_SERVING), "{wire:?}");
            assert_eq!(check(&program, wire, "any.Thing").await, of_any, "{wire:?}, {arguments:?}");
            assert_eq!(check(&program, wire, "shop.Unknown").await, Err(NOT_FOUND), "{wire:?}");
            let console = check(&program, wire, "drawbridge.calls.v1.Calls").await;
            assert_eq!(console, Ok(SERVING), "hosted services are the program's: {wire:?}");
        }
    }
}

#[tokio::test]
async fn a_watch_of_the_program_sees_its_drain_and_a_watch_of_a_service_its_upstream() {
    let (server, reporter) = upstream().await;
    reporter.set_service_status("any.Thing", ServingStatus::Serving).await;
    let program =
        Program::start(&["--upstream", &format!("http://{}", server.address), "--drain-delay", "1h"]).await;
    let mut own = ask(&program, Wire::GRPC, "Watch", "").await;
    let mut theirs = ask(&program, Wire::WEB_H2, "Watch", "any.Thing").await;
    let status = async |answer: &mut Answer| answer.message::<HealthCheckResponse>().await.unwrap().status;
    assert_eq!(status(&mut own).await, SERVING);
    assert_eq!(status(&mut theirs).await, SERVING);
    program.send("-TERM").await;
    assert_eq!(status(&mut own).await, NOT_SERVING);
    reporter.set_service_status("any.Thing", ServingStatus::NotServing).await;
    assert_eq!(status(&mut theirs).await, NOT_SERVING);
}
