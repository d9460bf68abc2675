//! The program's span, the bridge's and the handler's events are one trace.
//!
//! These tests have a process of their own, and each has a subscriber: a thread without one that is the first to come to an
//! event can switch the event off for the only subscriber of another thread.

// An unwrap that panics is a test that fails.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use drawbridge_example_library::own_tracing::{Metrics, router};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};

use self::support::{bob, greeter, say_hello, serve, values};

// Other tests use the rest of it.
#[allow(dead_code)]
#[path = "it/support.rs"]
mod support;

/// An event: its target, its message, and the names of the spans that it is in, outermost first.
type Recorded = (String, String, Vec<&'static str>);

/// Records events of level INFO and above.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if *event.metadata().level() > tracing::Level::INFO {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let scope = context.event_scope(event).into_iter().flat_map(Scope::from_root);
        let spans = scope.map(|span| span.name()).collect();
        self.0.lock().unwrap().push((event.metadata().target().to_owned(), message.0, spans));
    }
}

#[tokio::test]
async fn a_handlers_events_are_in_the_calls_span_inside_of_the_programs_span() {
    let recorder = Recorder::default();
    // For this thread, on which the server's tasks run too.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let metrics = Arc::new(Metrics::default());
    let address = serve(router(Arc::clone(&metrics))).await;

    greeter(address).say_hello(bob()).await.unwrap();

    let events = recorder.0.lock().unwrap().clone();
    let spans = |wanted: &str| {
        let event = events.iter().find(|(_, message, _)| message.contains(wanted));
        event.map(|(_, _, spans)| spans.clone())
    };
    assert_eq!(spans("Hello Bob"), Some(vec!["request", "call"]), "{events:?}");
    assert_eq!(
        spans("served a call").and_then(|spans| spans.first().copied()),
        Some("request"),
        "{events:?}"
    );
    assert!(events.iter().all(|(target, ..)| target != "drawbridge::call"), "{events:?}");
}

#[tokio::test]
async fn each_call_is_counted_once_however_it_ends() {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    let metrics = Arc::new(Metrics::default());
    let address = serve(router(Arc::clone(&metrics))).await;
    greeter(address).say_hello(bob()).await.unwrap();
    assert_eq!(metrics.read(), (1, 0));
    let late = say_hello(address, &[("grpc-timeout", "0m")]).await;
    assert_eq!(values(&late, "grpc-status"), ["4"], "{late}");
    assert_eq!(metrics.read(), (2, 1));
}
