//! Runs one case: makes the call that the suite describes, and returns its result.

use std::time::Duration;

use drawbridge_conformance_contract::v1::ClientResponseResult;
use drawbridge_conformance_contract::v1::client_compat_request::cancel::CancelTiming;
use drawbridge_conformance_contract::v1::client_compat_response::Result as Outcome;
use drawbridge_conformance_contract::v1::conformance_service_client::ConformanceServiceClient;
use drawbridge_conformance_contract::{metadata, v1};
use drawbridge_fetch::{CallOptions, CancelHandle, Transport};
use futures_util::future::join;
use js_sys::Promise;
use prost::{Message, Name};
use tonic::{Request, Response, Status};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use crate::error::error_of;
use crate::window::window;

type Client = ConformanceServiceClient<Transport>;

/// Makes the call of a case, and returns its result, or an error if the call could not be made.
pub(crate) async fn run(case: &v1::ClientCompatRequest) -> Outcome {
    call(case)
        .await
        .map_or_else(|message| Outcome::Error(v1::ClientErrorResult { message }), Outcome::Response)
}

async fn call(case: &v1::ClientCompatRequest) -> Result<ClientResponseResult, String> {
    pause(case.request_delay_ms).await?;
    let mut client = client(case);
    let cancel = CancelHandle::new();
    let call = async {
        match case.method() {
            "Unary" => {
                let request = unary_request(case, &cancel)?;
                Ok(unary(client.unary(request).await, |answer| answer.payload))
            }
            "IdempotentUnary" => {
                let request = unary_request(case, &cancel)?;
                Ok(unary(client.idempotent_unary(request).await, |answer| answer.payload))
            }
            "Unimplemented" => {
                let request = unary_request(case, &cancel)?;
                Ok(unary(client.unimplemented(request).await, |_| None))
            }
            "ServerStream" => server_stream(client, case, &cancel).await,
            other => Err(format!("unknown method {other:?}")),
        }
    };
    let cancelling = async {
        if let Some(after) = cancel_after(case) {
            pause(after).await?;
            cancel.cancel();
        }
        Ok::<_, String>(())
    };
    let (seen, cancelled) = join(call, cancelling).await;
    cancelled.and(seen)
}

fn client(case: &v1::ClientCompatRequest) -> Client {
    let scheme = if case.server_tls_cert.is_empty() { "http" } else { "https" };
    let client = Client::new(Transport::new(format!("{scheme}://{}:{}", case.host, case.port)));
    match case.message_receive_limit {
        0 => client.max_decoding_message_size(usize::MAX),
        limit => client.max_decoding_message_size(limit as usize),
    }
}

fn unary_request<M: Message + Name + Default>(
    case: &v1::ClientCompatRequest,
    cancel: &CancelHandle,
) -> Result<Request<M>, String> {
    request(case, options(case, cancel).unary())
}

fn request<M: Message + Name + Default>(
    case: &v1::ClientCompatRequest,
    options: CallOptions,
) -> Result<Request<M>, String> {
    let [message] = case.request_messages.as_slice() else {
        return Err(format!("expected one request message, got {}", case.request_messages.len()));
    };
    let mut request = Request::new(message.to_msg().map_err(|error| error.to_string())?);
    *request.metadata_mut() = metadata::read(&case.request_headers)?;
    request.extensions_mut().insert(options);
    Ok(request)
}

fn options(case: &v1::ClientCompatRequest, cancel: &CancelHandle) -> CallOptions {
    let options = CallOptions::new().with_cancel(cancel);
    match case.timeout_ms {
        Some(timeout) => options.with_timeout(Duration::from_millis(timeout.into())),
        None => options,
    }
}

/// Returns the result of a call whose response is one message.
fn unary<M>(
    answer: Result<Response<M>, Status>,
    payload: impl FnOnce(M) -> Option<v1::ConformancePayload>,
) -> ClientResponseResult {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return failed(&status),
    };
    let (metadata, message, _) = answer.into_parts();
    // tonic merges the headers and trailers of a unary response.
    let metadata = metadata::write(&metadata);
    ClientResponseResult {
        response_headers: metadata.clone(),
        payloads: vec![payload(message).unwrap_or_default()],
        response_trailers: metadata,
        ..ClientResponseResult::default()
    }
}

async fn server_stream(
    mut client: Client,
    case: &v1::ClientCompatRequest,
    cancel: &CancelHandle,
) -> Result<ClientResponseResult, String> {
    let answer = match client.server_stream(request(case, options(case, cancel))?).await {
        Ok(answer) => answer,
        Err(status) => return Ok(failed(&status)),
    };
    let mut seen = ClientResponseResult {
        response_headers: metadata::write(answer.metadata()),
        ..ClientResponseResult::default()
    };
    let mut messages = answer.into_inner();
    loop {
        match messages.message().await {
            Ok(Some(message)) => seen.payloads.push(message.payload.unwrap_or_default()),
            Ok(None) => break,
            Err(status) => {
                let ClientResponseResult { error, response_trailers, .. } = failed(&status);
                return Ok(ClientResponseResult { error, response_trailers, ..seen });
            }
        }
        if cancels_after(case, seen.payloads.len()) {
            cancel.cancel();
        }
    }
    match messages.trailers().await {
        Ok(trailers) => seen.response_trailers = metadata::write(&trailers.unwrap_or_default()),
        Err(status) => seen.error = Some(error_of(&status)),
    }
    Ok(seen)
}

/// Returns the result of a call that failed with this status.
fn failed(status: &Status) -> ClientResponseResult {
    ClientResponseResult {
        error: Some(error_of(status)),
        response_trailers: metadata::write(status.metadata()),
        ..ClientResponseResult::default()
    }
}

/// Returns how many milliseconds after its request the call is to be cancelled, if it is.
fn cancel_after(case: &v1::ClientCompatRequest) -> Option<u32> {
    match case.cancel?.cancel_timing {
        Some(CancelTiming::AfterCloseSendMs(after)) => Some(after),
        Some(CancelTiming::AfterNumResponses(_)) => None,
        // A request with one message is closed with that message.
        Some(CancelTiming::BeforeCloseSend(())) | None => Some(0),
    }
}

/// Returns whether the call is to be cancelled after this number of messages.
fn cancels_after(case: &v1::ClientCompatRequest, messages: usize) -> bool {
    let timing = case.cancel.and_then(|cancel| cancel.cancel_timing);
    matches!(timing, Some(CancelTiming::AfterNumResponses(count)) if count as usize == messages)
}

async fn pause(milliseconds: u32) -> Result<(), String> {
    let message = |thrown: JsValue| format!("cannot set a timer: {thrown:?}");
    let window = window().map_err(|error| message(error.into()))?;
    let wanted = i32::try_from(milliseconds).unwrap_or(i32::MAX);
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(thrown) = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, wanted) {
            // If this fails too, the suite reports a missing result.
            let _ = reject.call1(&JsValue::NULL, &thrown);
        }
    });
    JsFuture::from(promise).await.map(drop).map_err(message)
}
