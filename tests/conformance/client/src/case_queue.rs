//! Hands cases to the page over HTTP, and passes their results on to the runner.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::sync::{Mutex, mpsc, watch};
use tower_http::services::ServeDir;

use crate::runner::{self, Message};

/// The cases that wait, and the number of those that run.
pub(crate) struct CaseQueue {
    cases: Mutex<mpsc::UnboundedReceiver<Message>>,
    state: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    running: usize,
    closed: bool,
}

impl CaseQueue {
    pub(crate) fn new(cases: mpsc::UnboundedReceiver<Message>) -> Self {
        Self { cases: Mutex::new(cases), state: watch::Sender::default() }
    }

    /// Waits until the runner has no more cases and all have results.
    pub(crate) async fn all_done(&self) {
        let mut state = self.state.subscribe();
        // It cannot fail while the sender exists.
        let _ = state.wait_for(|progress| progress.closed && progress.running == 0).await;
    }

    async fn next(&self) -> Option<Message> {
        let mut cases = self.cases.lock().await;
        let case = cases.recv().await;
        self.state.send_modify(|progress| match case {
            Some(_) => progress.running += 1,
            None => progress.closed = true,
        });
        case
    }
}

/// Serves the page, its cases and their results.
pub(crate) fn router(queue: Arc<CaseQueue>, page: &Path) -> Router {
    Router::new()
        .route("/case", get(take_case))
        .route("/result", post(put_result).layer(DefaultBodyLimit::disable()))
        .fallback_service(ServeDir::new(page))
        .with_state(queue)
}

/// Waits for the next case and returns it, or 204 after the last one.
async fn take_case(State(queue): State<Arc<CaseQueue>>) -> Result<Message, StatusCode> {
    queue.next().await.ok_or(StatusCode::NO_CONTENT)
}

/// Passes a result on to the runner.
async fn put_result(State(queue): State<Arc<CaseQueue>>, result: Bytes) -> StatusCode {
    let written = runner::write(&result);
    queue.state.send_modify(|progress| progress.running -= 1);
    match written {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            eprintln!("Cannot write a result to the runner: {error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
