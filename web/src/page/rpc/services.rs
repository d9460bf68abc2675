//! The question which services the server has.

use std::time::Duration;

use drawbridge_calls_proto::ServicesRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_fetch::{CallOptions, Transport};
use leptos::prelude::*;
use tonic::Response;
use wasm_bindgen_futures::spawn_local;

use super::console;
use crate::model::Services;

/// The timeout of the call. The page shows no start view before the call ends.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the server for its services, and calls `on_response` before the signal changes.
pub(crate) fn fetch_services(
    transport: Transport,
    on_response: impl FnOnce(&Services) + 'static,
) -> RwSignal<Services> {
    let services = RwSignal::new(Services::Pending);
    spawn_local(async move {
        let response = ask(transport).await;
        on_response(&response);
        services.set(response);
    });
    services
}

/// Asks again: the user has entered the console's token.
pub(crate) fn refresh_services(transport: Transport, services: RwSignal<Services>) {
    spawn_local(async move { services.set(ask(transport).await) });
}

async fn ask(transport: Transport) -> Services {
    let request = console::request(ServicesRequest {}, CallOptions::new().unary().with_timeout(TIMEOUT));
    let response = CallsClient::new(transport).services(request).await;
    Services::from(response.map(Response::into_inner))
}
