//! A server with a console, and its client.

use drawbridge::{Bridge, CallsService, HostPolicy};
use drawbridge_calls_proto::activity::Kind;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_calls_proto::calls_server::CallsServer;
use drawbridge_calls_proto::end::Reason;
use drawbridge_calls_proto::{Activity, Call, End, GetRequest, WatchRequest, WatchResponse};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::{Server, soon};

/// Adds a console to a bridge.
pub fn with_console(mut bridge: Bridge) -> Bridge {
    let console =
        CallsService::new(bridge.calls(), bridge.services(), HostPolicy::Loopback { also: Vec::new() });
    bridge.add_service(CallsServer::new(console))
}

/// Starts a server with a console, and connects a client to it.
pub async fn start(bridge: Bridge) -> (Server, CallsClient<Channel>) {
    let server = Server::start(with_console(bridge)).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
    (server, CallsClient::new(channel))
}

pub async fn watch(console: &mut CallsClient<Channel>) -> Streaming<WatchResponse> {
    console.watch(WatchRequest {}).await.unwrap().into_inner()
}

/// Waits until the console lists a call that matches.
pub async fn listed(watched: &mut Streaming<WatchResponse>, wanted: impl Fn(&Call) -> bool) -> Call {
    soon("a matching call in the console", async {
        loop {
            let response = watched.message().await.unwrap().unwrap();
            if let Some(call) = response.calls.into_iter().find(&wanted) {
                return call;
            }
        }
    })
    .await
}

pub async fn get(console: &mut CallsClient<Channel>, request_id: &str) -> Vec<Call> {
    let request = GetRequest { request_id: request_id.to_owned(), wait_ms: 10_000 };
    console.get(request).await.unwrap().into_inner().calls
}

pub fn reason(call: &Call) -> Option<Reason> {
    call.end.as_ref().map(End::reason)
}

pub fn kinds(call: &Call) -> Vec<Kind> {
    call.activities.iter().map(Activity::kind).collect()
}

pub fn stopped(call: &Call) -> bool {
    call.activities.iter().all(|activity| activity.stopped_ms.is_some())
}
