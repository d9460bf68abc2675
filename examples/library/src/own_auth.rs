//! Authentication of your own, in one of two places.
//!
//! - [`in_front`] of the bridge: an axum middleware. It can refuse requests before they cost anything, and it protects routes
//!   that are not gRPC too. Refused requests are not calls: they have no log line and no place in the console.
//! - [`inside`] of each call: an interceptor. A refusal ends the call, so it is logged, listed, translated for gRPC-Web and
//!   readable cross-origin. It also runs for calls that are forwarded.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use drawbridge::{Bridge, Upstream, UpstreamError, is_preflight, refuse};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use tonic::Status;

use crate::greeter::{MyGreeter, User};

/// The header that tells upstreams who the user is.
pub const X_USER: &str = "x-user";

/// Finds out who makes a request. A real program would verify a signed token here.
fn authenticate(headers: &HeaderMap) -> Result<User, Status> {
    let token = headers.get(AUTHORIZATION).ok_or_else(|| Status::unauthenticated("send a bearer token"))?;
    match token.as_bytes() {
        b"Bearer ann-1234" => Ok(User("Ann".to_owned())),
        _ => Err(Status::unauthenticated("the token is not valid")),
    }
}

/// Hosts a service behind a middleware of axum.
pub fn in_front(origin: HeaderValue) -> Router {
    Bridge::new()
        .add_service(GreeterServer::new(MyGreeter::default()))
        .allow_origins([origin])
        .into_router()
        .layer(from_fn(check_token))
}

async fn check_token(mut request: Request, next: Next) -> Response {
    // Browsers send a preflight without credentials, before the request that has them. The bridge answers it.
    if is_preflight(&request) {
        return next.run(request).await;
    }
    match authenticate(request.headers()) {
        Ok(user) => {
            // tonic hands the extensions of an HTTP request to the handler.
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        // A gRPC client reads a status from headers and not from a body, and under the content-type that it sent.
        //
        // Here CORS is inside of this middleware, so a page of another origin cannot read this refusal. `own_cors` puts CORS
        // outside of everything; then preflights do not come here either.
        Err(status) => refuse(&request, &status).map(axum::body::Body::new),
    }
}

/// Hosts a service and forwards all others to `upstream`, with an interceptor inside of each call.
///
/// # Errors
///
/// Returns an error if the URL of the upstream is invalid.
pub fn inside(upstream: &str) -> Result<Bridge, UpstreamError> {
    let bridge = Bridge::new()
        .add_service(GreeterServer::new(MyGreeter::default()))
        .upstream(Upstream::new(upstream)?)
        .intercept(|mut head| async move {
            let User(name) = authenticate(&head.headers)?;
            let value =
                HeaderValue::try_from(&name).map_err(|_| Status::internal("the name has odd characters"))?;
            // A handler finds the user in the extensions. An upstream gets headers: the user's name replaces whatever the
            // caller put there, and the token stays here.
            head.headers.insert(X_USER, value);
            head.headers.remove(AUTHORIZATION);
            head.extensions.insert(User(name));
            Ok(head)
        });
    Ok(bridge)
}
