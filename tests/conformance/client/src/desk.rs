//! Where the page takes cases and brings results.

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

/// The cases that wait, and how many are under way.
pub(crate) struct Desk {
    cases: Mutex<mpsc::UnboundedReceiver<Message>>,
    state: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    under_way: usize,
    no_more: bool,
}

impl Desk {
    pub(crate) fn new(cases: mpsc::UnboundedReceiver<Message>) -> Self {
        Self { cases: Mutex::new(cases), state: watch::Sender::default() }
    }

    /// Waits until the runner has no more cases and each is answered.
    pub(crate) async fn all_answered(&self) {
        let mut state = self.state.subscribe();
        // The sender is here, so the wait cannot fail.
        let _ = state.wait_for(|progress| progress.no_more && progress.under_way == 0).await;
    }

    async fn next(&self) -> Option<Message> {
        let mut cases = self.cases.lock().await;
        let case = cases.recv().await;
        self.state.send_modify(|progress| match case {
            Some(_) => progress.under_way += 1,
            None => progress.no_more = true,
        });
        case
    }
}

/// Serves the folder of the page, and the desk to which it comes.
pub(crate) fn router(desk: Arc<Desk>, page: &Path) -> Router {
    Router::new()
        .route("/case", get(take))
        .route("/answer", post(bring).layer(DefaultBodyLimit::disable()))
        .fallback_service(ServeDir::new(page))
        .with_state(desk)
}

/// Hands the next case over, once there is one; nothing when there will be no more.
async fn take(State(desk): State<Arc<Desk>>) -> Result<Message, StatusCode> {
    desk.next().await.ok_or(StatusCode::NO_CONTENT)
}

/// Passes a result on to the runner.
async fn bring(State(desk): State<Arc<Desk>>, result: Bytes) -> StatusCode {
    let told = runner::tell(&result);
    desk.state.send_modify(|progress| progress.under_way -= 1);
    match told {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(error) => {
            eprintln!("A result cannot be told to the runner: {error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
