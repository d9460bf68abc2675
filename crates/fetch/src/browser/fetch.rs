//! One attempt at a request: `fetch`, its abort, and the reader of the answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use js_sys::{Array, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Headers, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestInit};

use super::{scope, words_of};
use crate::host::{Failure, Outgoing};
use crate::metadata;
use crate::source::Abort;

/// Waits for the head of an answer.
pub(crate) type Opening = SendWrapper<Pin<Box<dyn Future<Output = Result<Response<Chunks>, Failure>>>>>;

/// Begins a request to `base` followed by its path. Returns what waits for the answer and what aborts it.
pub(super) fn fetch(base: &str, request: &Outgoing) -> Result<(Opening, Abort), Failure> {
    let controller = AbortController::new().map_err(failure)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&to_headers(&request.headers)?.into());
    init.set_body(&Uint8Array::from(request.body.as_ref()));
    init.set_signal(Some(&controller.signal()));
    let promise = scope().fetch_with_str_and_init(&format!("{base}{}", request.path), &init);
    let opening = async move {
        let response = JsFuture::from(promise).await.map_err(failure)?;
        from_response(response.unchecked_ref())
    };
    let controller = SendWrapper::new(controller);
    Ok((SendWrapper::new(Box::pin(opening)), Box::new(move || controller.abort())))
}

/// Copies headers, every value of a repeated name by itself: the browser joins them as HTTP allows.
fn to_headers(from: &HeaderMap) -> Result<Headers, Failure> {
    let headers = Headers::new().map_err(failure)?;
    for (name, value) in from {
        headers.append(name.as_str(), &metadata::to_byte_string(value)).map_err(failure)?;
    }
    Ok(headers)
}

fn from_response(from: &web_sys::Response) -> Result<Response<Chunks>, Failure> {
    let reader = from.body().map(|body| body.get_reader().unchecked_into());
    let mut response = Response::new(Chunks(SendWrapper::new(Reader { reader, reading: None })));
    *response.status_mut() = StatusCode::from_u16(from.status())
        .map_err(|_| Failure(format!("the HTTP status {} is none", from.status())))?;
    for entry in from.headers().entries() {
        let entry: Array = entry.map_err(failure)?.unchecked_into();
        let (name, value) = (entry.get(0).as_string(), entry.get(1).as_string());
        if let (Some(name), Some(value)) = (name, value)
            && let Ok(name) = HeaderName::from_bytes(name.as_bytes())
        {
            metadata::append(response.headers_mut(), &name, &metadata::from_byte_string(&value));
        }
    }
    Ok(response)
}

/// The body of an answer, in the chunks in which the browser gives it.
pub(crate) struct Chunks(SendWrapper<Reader>);

struct Reader {
    /// None where the answer has no body, and behind its end.
    reader: Option<ReadableStreamDefaultReader>,
    /// The one read that is under way.
    reading: Option<JsFuture>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Reader { reader: slot, reading } = &mut *self.0;
        let Some(reader) = slot else { return Poll::Ready(None) };
        let read = reading.get_or_insert_with(|| JsFuture::from(reader.read()));
        let read = ready!(Pin::new(read).poll(cx));
        *reading = None;
        let chunk = match read {
            Ok(result) => {
                let result: ReadableStreamReadResult = result.unchecked_into();
                let chunk = result.get_value().dyn_into::<Uint8Array>();
                chunk.ok().map(|chunk| Ok(Bytes::from(chunk.to_vec())))
            }
            Err(thrown) => Some(Err(failure(thrown))),
        };
        // Only a chunk can be followed by another.
        if !matches!(chunk, Some(Ok(_))) {
            *slot = None;
        }
        Poll::Ready(chunk)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn failure(thrown: JsValue) -> Failure {
    Failure(words_of(&thrown))
}
