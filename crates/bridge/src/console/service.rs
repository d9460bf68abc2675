//! The methods of the console.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge_calls_proto::calls_server::Calls as Contract;
use drawbridge_calls_proto::{
    CancelRequest, CancelResponse, GetRequest, GetResponse, ServicesRequest, ServicesResponse, WatchRequest,
    WatchResponse,
};
use drawbridge_core::EndReason;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::access::Access;
use super::services::Services;
use super::token::ConsoleToken;
use super::view::{Clock, is_settled};
use super::watch::watch;
use crate::call::{CallContext, Calls};
use crate::web::HostPolicy;

/// How long `Get` may wait, in milliseconds.
const MAX_WAIT_MS: u32 = 10_000;

/// The first and the longest interval in which a waiting `Get` looks again.
const FIRST_INTERVAL: Duration = Duration::from_millis(2);
const MAX_INTERVAL: Duration = Duration::from_millis(50);

/// The longest message of an operator, in bytes.
const MAX_MESSAGE_BYTES: usize = 256;

/// The service `drawbridge.calls.v1.Calls` (the console): lists calls, shows how they end, and ends a call for an operator. It
/// shows no metadata and no messages.
///
/// It can end any call, so it answers only clients on a loopback address that no proxy has passed on (no header `forwarded`,
/// `x-forwarded-*`, `x-real-ip` or `via`), and those that send a [token](CallsService::with_token) in `x-drawbridge-token`. A client whose
/// address is not known ([`PeerAddr`](crate::PeerAddr)) needs the token. All others get `PERMISSION_DENIED`. A browser is answered only if its page is of a host
/// that the policy of hosts allows, or of this server's own host if that allows any, whatever origins may call the other services.
///
/// ```
/// use drawbridge::{Bridge, CallsService, HostPolicy};
/// use drawbridge_calls_proto::calls_server::CallsServer;
///
/// let mut bridge = Bridge::new();
/// let console = CallsService::new(bridge.calls(), bridge.services(), HostPolicy::Loopback { also: vec![] });
/// let bridge = bridge.add_service(CallsServer::new(console));
/// ```
#[derive(Clone, Debug)]
pub struct CallsService {
    calls: Calls,
    services: Services,
    access: Access,
    clock: Clock,
}

impl CallsService {
    /// Creates the service for a bridge's calls and services. Pages of hosts that `hosts` allows may use it.
    pub fn new(calls: Calls, services: Services, hosts: HostPolicy) -> Self {
        Self { calls, services, access: Access::new(hosts, None), clock: Clock::new() }
    }

    /// Answers clients that send this token too, from any address. The token is not forwarded to upstreams.
    #[must_use]
    pub fn with_token(mut self, token: ConsoleToken) -> Self {
        self.access = self.access.with_token(token);
        self
    }

    /// Keeps the call to the console itself out of the list, and checks where it comes from.
    fn admit(&self, metadata: &MetadataMap) -> Result<Operator, Status> {
        let call = CallContext::current();
        if let Some(call) = &call {
            call.unlist();
        }
        let peer = call.and_then(|call| call.peer());
        let token = self.access.admit(peer, metadata)?;
        Ok(Operator { peer, token })
    }
}

/// Who calls the console.
struct Operator {
    peer: Option<SocketAddr>,
    /// The fingerprint of the token that was sent.
    token: Option<String>,
}

#[tonic::async_trait]
impl Contract for CallsService {
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        self.admit(request.metadata())?;
        Ok(Response::new(watch(self.calls.clone(), self.clock).map(Ok).boxed()))
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        self.admit(request.metadata())?;
        let GetRequest { request_id, wait_ms } = request.into_inner();
        if wait_ms > MAX_WAIT_MS {
            return Err(invalid(
                "wait_ms",
                &format!("wait_ms of {wait_ms}: at most {MAX_WAIT_MS} is accepted"),
            ));
        }
        let until = Instant::now() + Duration::from_millis(wait_ms.into());
        let mut pause = FIRST_INTERVAL;
        let calls = loop {
            let calls = self.calls.of_request(&request_id);
            let settled = !calls.is_empty() && calls.iter().all(is_settled);
            if settled || Instant::now() >= until {
                break calls;
            }
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            pause = (pause * 2).min(MAX_INTERVAL);
        };
        if calls.is_empty() {
            return Err(unknown("request", &request_id));
        }
        Ok(Response::new(GetResponse { calls: calls.iter().map(|call| self.clock.view(call)).collect() }))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        let operator = self.admit(request.metadata())?;
        let CancelRequest { call_id, message } = request.into_inner();
        if message.len() > MAX_MESSAGE_BYTES {
            let length = message.len();
            return Err(invalid(
                "message",
                &format!("message of {length} bytes: at most {MAX_MESSAGE_BYTES} are accepted"),
            ));
        }
        let id = call_id
            .parse()
            .map_err(|error| invalid("call_id", &format!("call_id {call_id:?} is {error}")))?;
        let call: CallContext = self.calls.find(id).ok_or_else(|| unknown("call", &call_id))?;
        let message = if message.is_empty() { "cancelled by an operator".to_owned() } else { message };
        let cancelled = call.end(EndReason::CancelledByOperator(message.clone()));
        if cancelled {
            tracing::info!(
                target: "drawbridge::console",
                peer = operator.peer.map(tracing::field::display),
                token = operator.token,
                %call_id,
                method = %call.method().escape_debug(),
                reason = ?message,
                "an operator has cancelled a call"
            );
        }
        Ok(Response::new(CancelResponse { cancelled, call: Some(self.clock.view(&call)) }))
    }

    async fn services(
        &self,
        request: Request<ServicesRequest>,
    ) -> Result<Response<ServicesResponse>, Status> {
        self.admit(request.metadata())?;
        let services = self.services.get();
        services
            .map(Response::new)
            .ok_or_else(|| Status::unavailable("the bridge of this console is not in use yet"))
    }
}

fn invalid(field: &str, message: &str) -> Status {
    let details = ErrorDetails::with_bad_request_violation(field, message);
    Status::with_error_details(Code::InvalidArgument, message, details)
}

fn unknown(what: &str, name: &str) -> Status {
    let message = format!("no {what} {name:?} is known: it was never here, or ended too long ago");
    let details = ErrorDetails::with_resource_info(what, name, "", &message);
    Status::with_error_details(Code::NotFound, message, details)
}
