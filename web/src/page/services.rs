//! What the server hosts and forwards, asked once for the page.

use std::time::Duration;

use drawbridge_calls_proto::ServicesRequest;
use drawbridge_calls_proto::calls_client::CallsClient;
use drawbridge_fetch::{CallOptions, Transport};
use leptos::prelude::*;
use tonic::{Request, Response};
use wasm_bindgen_futures::spawn_local;

use crate::model::Services;

/// How long the asking may take, which is how long the page may wait to show where one starts.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks, and has `told` know the answer when it is here.
pub(crate) fn ask(transport: Transport, told: impl FnOnce(&Services) + 'static) -> RwSignal<Services> {
    let services = RwSignal::new(Services::Asked);
    let mut request = Request::new(ServicesRequest {});
    request.extensions_mut().insert(CallOptions::new().unary().with_timeout(PATIENCE));
    spawn_local(async move {
        let answer = CallsClient::new(transport).services(request).await;
        let answer = Services::from(answer.map(Response::into_inner));
        told(&answer);
        services.set(answer);
    });
    services
}
