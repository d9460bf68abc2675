//! What can be asked of the console.

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

use super::services::Services;
use super::view::{Clock, is_settled};
use super::watch::watch;
use crate::call::{CallContext, Calls};
use crate::web::HostPolicy;

/// The most time that an answer may be waited for, in milliseconds.
const MAX_WAIT_MS: u32 = 10_000;

/// How soon a wait looks for the first time, and at most how long it lets pass between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(50);

/// The most bytes of an operator's words.
const MAX_MESSAGE_BYTES: usize = 256;

/// The `drawbridge.calls.v1.Calls` service: shows the calls of a list and how they end, and ends one. It tells nothing of
/// what calls carry.
///
/// Whoever can reach it may end any call. So it answers a browser only where the page's origin is a name that the host
/// policy allows, whatever other origins may call the other services.
#[derive(Clone, Debug)]
pub struct CallsService {
    calls: Calls,
    services: Services,
    hosts: HostPolicy,
    clock: Clock,
}

impl CallsService {
    /// Creates the service over a bridge's calls and services, for the pages of hosts that `hosts` allows.
    pub fn new(calls: Calls, services: Services, hosts: HostPolicy) -> Self {
        Self { calls, services, hosts, clock: Clock::new() }
    }

    /// Keeps the call to the console itself out of the list, and checks where it comes from.
    fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if let Some(call) = CallContext::current() {
            call.unlist();
        }
        match metadata.get("origin") {
            Some(origin) if !self.hosts.allows_origin(origin.as_encoded_bytes()) => Err(
                Status::permission_denied("the calls of this server are shown to pages of this machine only"),
            ),
            _ => Ok(()),
        }
    }
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
                &format!("wait_ms of {wait_ms}: at most {MAX_WAIT_MS} are taken"),
            ));
        }
        let until = Instant::now() + Duration::from_millis(wait_ms.into());
        let mut pause = FIRST_LOOK;
        let calls = loop {
            let calls = self.calls.of_request(&request_id);
            let settled = !calls.is_empty() && calls.iter().all(is_settled);
            if settled || Instant::now() >= until {
                break calls;
            }
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            pause = (pause * 2).min(LAST_LOOK);
        };
        if calls.is_empty() {
            return Err(unknown("request", &request_id));
        }
        Ok(Response::new(GetResponse { calls: calls.iter().map(|call| self.clock.view(call)).collect() }))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<CancelResponse>, Status> {
        self.admit(request.metadata())?;
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
        let cancelled = call.end(EndReason::CancelledByOperator(message));
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
            .ok_or_else(|| Status::unavailable("the bridge of this console is not built yet"))
    }
}

fn invalid(field: &str, words: &str) -> Status {
    let details = ErrorDetails::with_bad_request_violation(field, words);
    Status::with_error_details(Code::InvalidArgument, words, details)
}

fn unknown(what: &str, name: &str) -> Status {
    let words = format!("no {what} {name:?} is known: it never came here, or ended too long ago");
    let details = ErrorDetails::with_resource_info(what, name, "", &words);
    Status::with_error_details(Code::NotFound, words, details)
}
