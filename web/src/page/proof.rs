//! How the servers are asked what became of a request.

use std::time::Duration;

use drawbridge_fetch::{CallOptions, Transport};
use drawbridge_proto::calls::GetRequest;
use drawbridge_proto::calls::calls_client::CallsClient;
use tonic::Request;

use super::clock::now;
use crate::model::{Failure, Proof};

/// For how long the server may wait until all that belongs to the request has stopped.
const WAIT_MS: u32 = 5_000;

/// How long the asking may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for the calls of a request that this page let go of at `let_go`, as its clock had it, if it had the same then.
pub(crate) async fn ask(transport: Transport, request_id: String, let_go: Option<Duration>) -> Proof {
    let mut request = Request::new(GetRequest { request_id, wait_ms: WAIT_MS });
    request.extensions_mut().insert(CallOptions::new().unary().with_timeout(PATIENCE));
    match CallsClient::new(transport).get(request).await {
        Ok(answer) => Proof::Told {
            calls: answer.into_inner().calls,
            after: let_go.map(|let_go| now().saturating_sub(let_go)),
        },
        Err(status) => Proof::Unknown(Failure::from(&status)),
    }
}
