//! What the servers have told of this page's requests, when they were asked what became of them.

use std::time::Duration;

use drawbridge_calls_proto::GetRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_fetch::{CallOptions, Transport};
use leptos::prelude::*;
use tonic::Request;
use wasm_bindgen_futures::spawn_local;

use super::clock::now;
use crate::model::{Failure, Proof};

/// For how long the server may wait until all that belongs to a request has stopped.
const WAIT_MS: u32 = 5_000;

/// How long the asking may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many answers are kept.
const KEPT: usize = 100;

/// The answers, by the labels of the requests. They belong to the page and not to a view, so that an answer is there for
/// those who come back.
#[derive(Clone, Copy)]
pub(crate) struct Proofs {
    transport: StoredValue<Transport>,
    told: RwSignal<Vec<(String, Proof)>>,
}

impl Proofs {
    /// Creates the memory in the current owner, which should be the page's.
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport: StoredValue::new(transport), told: RwSignal::new(Vec::new()) }
    }

    /// Returns what was told of a request, tracked.
    pub(crate) fn of(self, request_id: &str) -> Proof {
        let told = self.told.read();
        told.iter().find(|(id, _)| id == request_id).map(|(_, proof)| proof.clone()).unwrap_or_default()
    }

    /// Asks what became of a request that this page let go of at `let_go`, if that was by this very clock. What was told
    /// once is not asked again.
    pub(crate) fn ask(self, request_id: String, let_go: Option<Duration>) {
        if matches!(untrack(|| self.of(&request_id)), Proof::Told { .. } | Proof::Asked) {
            return;
        }
        self.keep(&request_id, Proof::Asked);
        let mut request = Request::new(GetRequest { request_id: request_id.clone(), wait_ms: WAIT_MS });
        request.extensions_mut().insert(CallOptions::new().unary().with_timeout(PATIENCE));
        let mut client = CallsClient::new(self.transport.get_value());
        spawn_local(async move {
            let proof = match client.get(request).await {
                Ok(answer) => Proof::Told {
                    calls: answer.into_inner().calls,
                    after: let_go.map(|let_go| now().saturating_sub(let_go)),
                },
                Err(status) => Proof::Unknown(Failure::from(&status)),
            };
            self.keep(&request_id, proof);
        });
    }

    fn keep(self, request_id: &str, proof: Proof) {
        self.told.update(|told| {
            told.retain(|(id, _)| id != request_id);
            if told.len() == KEPT {
                told.remove(0);
            }
            told.push((request_id.to_owned(), proof));
        });
    }
}
