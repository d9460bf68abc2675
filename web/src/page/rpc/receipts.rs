//! The receipts of this page's calls.

use std::pin::Pin;
use std::time::Duration;

use drawbridge_calls_proto::GetRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_fetch::{CallOptions, Transport};
use leptos::prelude::*;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use tonic::Status;
use wasm_bindgen_futures::spawn_local;

use super::console;
use crate::model::{Failure, Receipt};
use crate::page::clock::now;

/// How long the server may wait for the last activity of a request to stop.
const WAIT_MS: u32 = 5_000;

/// The timeout of the call that fetches a receipt.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many receipts are kept.
const MAX_RECEIPTS: usize = 100;

/// The receipts by request id. They belong to the page, so that a receipt outlives the view that cancelled the call.
#[derive(Clone, Copy)]
pub(crate) struct Receipts {
    transport: StoredValue<Transport>,
    receipts: RwSignal<Vec<(String, Receipt)>>,
}

impl Receipts {
    /// Creates an empty store in the current owner, which should be the page's.
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport: StoredValue::new(transport), receipts: RwSignal::new(Vec::new()) }
    }

    /// Returns the receipt of a request, tracked.
    pub(crate) fn get(self, request_id: &str) -> Receipt {
        let receipts = self.receipts.read();
        let found = receipts.iter().find(|(id, _)| id == request_id);
        found.map(|(_, receipt)| receipt.clone()).unwrap_or_default()
    }

    /// Fetches the receipt of a request that this page ended at `ended`, unless it is here or on its way. `ended` is `None`
    /// for a request from before a reload, because the page's clock started again.
    pub(crate) fn fetch(self, request_id: String, ended: Option<Duration>) {
        if matches!(untrack(|| self.get(&request_id)), Receipt::Received(_) | Receipt::Pending) {
            return;
        }
        self.store(&request_id, Receipt::Pending);
        let transport = self.transport.get_value();
        spawn_local(async move {
            let receipt = if let Ok(receipt) = request(transport, request_id.clone(), ended).await {
                receipt.await
            } else {
                let status = Status::unavailable("a module of the page could not be loaded");
                Receipt::Unavailable(Failure::from(&status))
            };
            self.store(&request_id, receipt);
        });
    }

    fn store(self, request_id: &str, receipt: Receipt) {
        self.receipts.update(|receipts| {
            receipts.retain(|(id, _)| id != request_id);
            if receipts.len() == MAX_RECEIPTS {
                receipts.remove(0);
            }
            receipts.push((request_id.to_owned(), receipt));
        });
    }
}

/// A receipt on its way.
type PendingReceipt = Pin<Box<dyn Future<Output = Receipt>>>;

/// Requests the receipt of a request. It is in the second module: the first view needs it only when a call has ended.
#[allow(clippy::unnecessary_wraps, reason = "the error is that the module was not loaded")]
#[wasm_split(later, wasm_split_path = ::leptos::wasm_split, fallible)]
fn request(
    transport: Transport,
    request_id: String,
    ended: Option<Duration>,
) -> Result<PendingReceipt, SplitLoaderError> {
    let options = CallOptions::new().unary().with_timeout(TIMEOUT);
    let request = console::request(GetRequest { request_id, wait_ms: WAIT_MS }, options);
    Ok(Box::pin(async move {
        match CallsClient::new(transport).get(request).await {
            Ok(response) => {
                let delay = ended.map(|ended| now().saturating_sub(ended));
                Receipt::received(response.into_inner().calls, delay)
            }
            Err(status) => Receipt::Unavailable(Failure::from(&status)),
        }
    }))
}
