//! The server's records of a request, fetched without the page.

use anyhow::Result;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::{Call, GetRequest};
use tonic::transport::Endpoint;

use crate::Server;

/// Returns the calls of a request, once all of them have stopped.
pub async fn call_records(server: &Server, request_id: &str) -> Result<Vec<Call>> {
    let channel = Endpoint::try_from(server.url(""))?.connect().await?;
    let request = GetRequest { request_id: request_id.to_owned(), wait_ms: 10_000 };
    Ok(CallsClient::new(channel).get(request).await?.into_inner().calls)
}
