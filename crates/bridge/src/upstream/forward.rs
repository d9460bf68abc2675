//! The layer that forwards calls.

use std::convert::Infallible;

use futures_util::future::ready;
use http::{Request, Response, Uri};
use hyper::service::Service;
use tonic::Status;
use tonic::body::Body;

use super::forwarded_call::{ForwardedCall, TRANSPARENT_RETRY_BYTES};
use super::headers;
use super::request_body::RequestBody;
use super::retry;
use super::retry_rules::RetryRules;
use super::routes::Route;
use super::trusted_proxies::TrustedProxies;
use crate::call::CallContext;
use crate::client::MAX_REPLAY_BYTES;
use crate::service::ResponseFuture;

/// A service that forwards requests with a [`Route`], and passes all others to the inner service.
#[derive(Clone, Debug)]
pub(crate) struct Forward<S> {
    inner: S,
    proxies: TrustedProxies,
    retry_rules: RetryRules,
    max_message_bytes: u32,
}

impl<S> Forward<S> {
    pub(crate) fn new(
        inner: S,
        proxies: TrustedProxies,
        retry_rules: RetryRules,
        max_message_bytes: u32,
    ) -> Self {
        Self { inner, proxies, retry_rules, max_message_bytes }
    }
}

impl<S> Service<Request<Body>> for Forward<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = ResponseFuture>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, mut request: Request<Body>) -> Self::Future {
        let Some(route) = request.extensions_mut().remove::<Route>() else {
            return self.inner.call(request);
        };
        let Route::To(pool) = route else {
            return Box::pin(ready(Ok(not_exposed(request.uri()).into_http())));
        };
        let peer = self.proxies.peer(&request);
        let policy = self.retry_rules.find(request.uri().path());
        let (head, body) = request.into_parts();
        let replay_bytes = if policy.is_some() { MAX_REPLAY_BYTES } else { TRANSPARENT_RETRY_BYTES };
        let mut call = ForwardedCall {
            pool,
            uri: head.uri,
            headers: head.headers,
            request_body: RequestBody::new(body, replay_bytes, self.max_message_bytes),
            context: None,
            tried: None,
        };
        Box::pin(async move {
            // Only the future is polled in the scope of the call.
            call.context = CallContext::current();
            headers::prepare_request(&mut call.headers, call.context.as_ref(), peer.as_ref());
            let response = match policy {
                None => call.send().await,
                // Boxed, so that the future of a call without retries has no room for it.
                Some(policy) => Box::pin(retry::send_with_retries(call, &policy)).await,
            };
            Ok(response.unwrap_or_else(|failure| {
                failure.end_current_call();
                // The call layer responds with the status that ended the call.
                Response::new(Body::empty())
            }))
        })
    }
}

fn not_exposed(uri: &Uri) -> Status {
    let path = uri.path();
    Status::unimplemented(format!(
        "{path:?} is not forwarded: it is an administrative service, which this server does not expose"
    ))
}
