//! The question which services the server has.

use std::time::Duration;

use drawbridge_calls_proto::ServicesRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_fetch::{CallOptions, Transport};
use leptos::prelude::*;
use tonic::{Request, Response};
use wasm_bindgen_futures::spawn_local;

use crate::model::Services;

/// The timeout of the call. The page shows no start view before the call ends.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the server for its services, and calls `on_response` before the signal changes.
pub(crate) fn fetch_services(
    transport: Transport,
    on_response: impl FnOnce(&Services) + 'static,
) -> RwSignal<Services> {
    let services = RwSignal::new(Services::Pending);
    let mut request = Request::new(ServicesRequest {});
    request.extensions_mut().insert(CallOptions::new().unary().with_timeout(TIMEOUT));
    spawn_local(async move {
        let response = CallsClient::new(transport).services(request).await;
        let response = Services::from(response.map(Response::into_inner));
        on_response(&response);
        services.set(response);
    });
    services
}
