//! The span of a call continues the caller's own, and the two log lines are a switch.
//!
//! These tests have a process of their own: a thread without a subscriber that is the first to come to an event
//! can switch the event off for the only subscriber of another thread.

// A test panics if it cannot continue.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use drawbridge::Bridge;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tower::ServiceExt as _;
use tracing::instrument::WithSubscriber as _;
use tracing::{Event, Instrument as _, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use self::support::{Hello, read, request};

#[path = "it/support.rs"]
mod support;

/// The message of an event, and the names of the spans that it is in, outermost first.
type Recorded = (String, Vec<&'static str>);

/// Records each event.
#[derive(Clone, Default)]
struct Scopes(Arc<Mutex<Vec<Recorded>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Scopes {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut message = String::new();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            if field.name() == "message" {
                message = format!("{value:?}");
            }
        });
        let scope = context.event_scope(event).into_iter().flatten();
        let mut names: Vec<_> = scope.map(|span| span.name()).collect();
        names.reverse();
        self.0.lock().unwrap().push((message, names));
    }
}

async fn events(bridge: Bridge) -> Vec<Recorded> {
    let scopes = Scopes::default();
    let subscriber = tracing_subscriber::registry().with(scopes.clone());
    async {
        let service = bridge.add_service(GreeterServer::new(Hello)).into_service();
        let span = tracing::info_span!("http");
        let call = request("/greet.Greeter/SayHello", "application/grpc", &[]);
        let response = service.oneshot(call).instrument(span).await.unwrap();
        assert_eq!(read(response).await.1, Some(0));
    }
    .with_subscriber(subscriber)
    .await;
    let events = scopes.0.lock().unwrap();
    events.clone()
}

#[tokio::test]
async fn a_calls_span_and_log_lines_are_inside_the_callers_span() {
    let event = |message: &str, scope: &[&'static str]| (message.to_owned(), scope.to_vec());
    assert_eq!(
        events(Bridge::new()).await,
        [
            event("call opened", &["http"]),
            event("handling", &["http", "call"]),
            event("call ended", &["http"]),
        ]
    );
}

#[tokio::test]
async fn the_log_lines_can_be_switched_off() {
    let events = events(Bridge::new().log_calls(false)).await;
    assert_eq!(events, [("handling".to_owned(), vec!["http", "call"])]);
}
