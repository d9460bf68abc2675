//! One request with `fetch`: its options, its abort, and the reader of its response.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use js_sys::{Array, Reflect, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit};

use super::global::{global, message_of};
use crate::cancel_token::Abort;
use crate::fetch_options::FetchOptions;
use crate::metadata;
use crate::platform::{FetchError, OutgoingRequest};

/// Resolves to the head of a response.
pub(crate) type ResponseFuture =
    SendWrapper<Pin<Box<dyn Future<Output = Result<Response<Chunks>, FetchError>>>>>;

/// Sends a request to `base` followed by the request's path. Returns the response and how to abort it.
pub(super) fn fetch(base: &str, request: &OutgoingRequest) -> Result<(ResponseFuture, Abort), FetchError> {
    let controller = AbortController::new().map_err(to_error)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&to_headers(&request.headers)?.into());
    init.set_body(&Uint8Array::from(request.body.as_ref()));
    init.set_signal(Some(&controller.signal()));
    set_options(&init, &request.fetch);
    let promise = global().fetch_with_str_and_init(&format!("{base}{}", request.path), &init);
    let response = async move {
        let response = JsFuture::from(promise).await.map_err(to_error)?;
        from_response(response.unchecked_ref())
    };
    let controller = SendWrapper::new(controller);
    Ok((SendWrapper::new(Box::pin(response)), Box::new(move || controller.abort())))
}

/// Sets the options as members by name: `web-sys` has no method for `keepalive`, and its enums would enlarge the page.
fn set_options(init: &RequestInit, options: &FetchOptions) {
    for (name, value) in options.members() {
        // Setting a member of a plain object does not fail.
        let _ = Reflect::set(init, &name.into(), &value.into());
    }
}

/// Copies headers. Each value of a repeated name is appended, and the browser joins them.
fn to_headers(from: &HeaderMap) -> Result<Headers, FetchError> {
    let headers = Headers::new().map_err(to_error)?;
    for (name, value) in from {
        headers.append(name.as_str(), &metadata::to_byte_string(value)).map_err(to_error)?;
    }
    Ok(headers)
}

fn from_response(from: &web_sys::Response) -> Result<Response<Chunks>, FetchError> {
    let reader = from.body().map(|body| body.get_reader().unchecked_into());
    let mut response = Response::new(Chunks(SendWrapper::new(Reader { reader, read: None })));
    *response.status_mut() = StatusCode::from_u16(from.status())
        .map_err(|_| FetchError(format!("{} is not an HTTP status", from.status())))?;
    for entry in from.headers().entries() {
        let entry: Array = entry.map_err(to_error)?.unchecked_into();
        let (name, value) = (entry.get(0).as_string(), entry.get(1).as_string());
        if let (Some(name), Some(value)) = (name, value)
            && let Ok(name) = HeaderName::from_bytes(name.as_bytes())
        {
            metadata::append(response.headers_mut(), &name, &metadata::from_byte_string(&value));
        }
    }
    Ok(response)
}

/// The body of a response, in the chunks of the browser.
pub(crate) struct Chunks(SendWrapper<Reader>);

struct Reader {
    /// `None` if the response has no body, and after the end of its body.
    reader: Option<ReadableStreamDefaultReader>,
    /// The pending read.
    read: Option<JsFuture>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, FetchError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Reader { reader: slot, read } = &mut *self.0;
        let Some(reader) = slot else { return Poll::Ready(None) };
        let pending = read.get_or_insert_with(|| JsFuture::from(reader.read()));
        let result = ready!(Pin::new(pending).poll(cx));
        *read = None;
        let chunk = match result {
            Ok(result) => {
                let result: ReadableStreamReadResult = result.unchecked_into();
                let chunk = result.get_value().dyn_into::<Uint8Array>();
                chunk.ok().map(|chunk| Ok(Bytes::from(chunk.to_vec())))
            }
            Err(thrown) => Some(Err(to_error(thrown))),
        };
        // The end and an error are the last.
        if !matches!(chunk, Some(Ok(_))) {
            *slot = None;
        }
        Poll::Ready(chunk)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes a value")]
fn to_error(thrown: JsValue) -> FetchError {
    FetchError(message_of(&thrown))
}
