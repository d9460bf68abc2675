//! CORS of your own, around a bridge. [`Bridge::allow_origins`] leaves credentials such as cookies off; this turns them on.

use std::time::Duration;

use axum::Router;
use drawbridge::{Bridge, ExposeMetadataLayer};
use drawbridge_proto::greet::greeter_server::GreeterServer;
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::greeter::MyGreeter;

/// Hosts a service for pages of one other origin, which may send cookies.
pub fn router(origin: HeaderValue) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list([origin]))
        .allow_credentials(true)
        .allow_methods([Method::POST])
        // Any header may be metadata of a call. With credentials `*` is not a wildcard, so the names are mirrored.
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(3600));
    Bridge::new()
        .add_service(GreeterServer::new(MyGreeter::default()))
        // Otherwise the bridge adds `vary` and the other headers of CORS a second time.
        .without_cors()
        .into_router()
        // The last layer is the outermost. Layers of authentication belong before these two, so that pages can read refusals.
        .layer(cors)
        // A page may read those headers of a response that CORS names. The names are known when the response is.
        .layer(ExposeMetadataLayer::new())
}
