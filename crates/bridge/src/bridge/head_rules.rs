//! The rules that the head of every request keeps, and the refusals of those that break one.

use std::convert::Infallible;

use drawbridge_core::connect::ContentType;
use drawbridge_core::path::service_of;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use http::{Request, Response, StatusCode, Version, header};
use tonic::Status;
use tonic::body::Body;

use super::classify::has_grpc_content_type;
use super::head::Head;
use crate::plain_response::plain_response;
use crate::refusal::{refuse, refuse_connect};
use crate::service::SharedService;
use crate::web::HostPolicy;

/// The largest number of headers of a request over HTTP/1.1.
const MAX_HEADERS: usize = 100;

/// The rules for heads.
#[derive(Debug)]
pub(super) struct HeadRules {
    pub(super) hosts: HostPolicy,
    pub(super) max_header_bytes: u32,
}

/// Why a request is refused by its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is more than one `Host` header (RFC 9112, section 3.2). A request without one is not refused by HTTP/1.1's rule: it
    /// may come from a test or a program that calls the bridge without a connection.
    Hosts,
    /// The host name is not allowed.
    Host(String),
    /// There are too many headers.
    TooMany(usize),
    /// The headers are too large.
    TooLarge { bytes: usize, max: u32 },
    /// Nothing answers this request.
    NotFound,
}

impl HeadRules {
    /// Returns why a request with this head is refused.
    pub(super) fn check<B>(&self, request: &Request<B>, head: &Head) -> Option<Refusal> {
        let headers = request.headers();
        let is_http1 = request.version() < Version::HTTP_2;
        if is_http1 && headers.len() > MAX_HEADERS {
            return Some(Refusal::TooMany(headers.len()));
        }
        if head.bytes > self.max_header_bytes as usize {
            return Some(Refusal::TooLarge { bytes: head.bytes, max: self.max_header_bytes });
        }
        if is_http1 && head.hosts > 1 {
            return Some(Refusal::Hosts);
        }
        self.hosts.refused(request.uri(), head.host).map(Refusal::Host)
    }
}

impl Refusal {
    /// Returns the response: a gRPC status or an error of Connect for a call, in the form that its caller speaks, and otherwise an
    /// HTTP status and plain text.
    pub(super) fn response<B>(&self, request: &Request<B>) -> Response<Body> {
        // What is not HTTP as it should be is no call yet.
        if *self == Self::Hosts {
            return plain_response(self.http_status(), &self.message());
        }
        if has_grpc_content_type(request) {
            return refuse(request, &self.status());
        }
        match connect_content_type(request) {
            None => plain_response(self.http_status(), &self.message()),
            Some(content_type) => {
                let mut response = refuse_connect(content_type, &self.status());
                if !content_type.is_stream {
                    *response.status_mut() = self.http_status();
                }
                response
            }
        }
    }

    fn http_status(&self) -> StatusCode {
        match self {
            Self::Hosts => StatusCode::BAD_REQUEST,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany(_) | Self::TooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }

    fn status(&self) -> Status {
        let message = self.message();
        match self {
            Self::Hosts => Status::internal(message),
            Self::Host(_) => Status::permission_denied(message),
            Self::TooMany(_) | Self::TooLarge { .. } => Status::resource_exhausted(message),
            Self::NotFound => Status::unimplemented(message),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Hosts => "the request has more than one Host header".to_owned(),
            Self::Host(_) => "this server does not answer to this host name".to_owned(),
            Self::TooMany(count) => {
                format!("the request has {count} headers: at most {MAX_HEADERS} are accepted over HTTP/1.1")
            }
            Self::TooLarge { bytes, max } => {
                format!("the headers of the request have {bytes} bytes: at most {max} are accepted")
            }
            Self::NotFound => "nothing is served here".to_owned(),
        }
    }
}

/// Returns the content type of a request of Connect. Unary calls have content types that other requests have too, so their path has to
/// be that of a method.
fn connect_content_type<B>(request: &Request<B>) -> Option<ContentType> {
    let content_type = ContentType::parse(request.headers().get(header::CONTENT_TYPE)?)?;
    (content_type.is_stream || service_of(request.uri().path()).is_some()).then_some(content_type)
}

/// Answers requests with the [`Refusal`] among their extensions. For the layer of CORS, which is around services only.
#[cfg_attr(not(feature = "cors"), expect(dead_code))]
pub(super) fn refusals() -> SharedService {
    SharedService::new(|request| {
        let refusal = request.extensions().get::<Refusal>().unwrap_or(&Refusal::NotFound);
        ready(Ok::<_, Infallible>(refusal.response(&request))).boxed()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: http::request::Builder, max: u32) -> Option<Refusal> {
        let rules = HeadRules { hosts: HostPolicy::Any, max_header_bytes: max };
        let request = request.body(()).unwrap();
        rules.check(&request, &Head::read(&request))
    }

    #[test]
    fn a_head_may_have_exactly_as_many_bytes_as_the_limit() {
        let http1 = || Request::post("/a.B/C").header("host", "a").header("x-t", "abc");
        // 6 + (4 + 1 + 4) + (3 + 3 + 4)
        assert_eq!(check(http1(), 25), None);
        assert_eq!(check(http1(), 24), Some(Refusal::TooLarge { bytes: 25, max: 24 }));
        let http2 = || Request::post("https://a/a.B/C").version(Version::HTTP_2).header("x-t", "abc");
        assert_eq!(check(http2(), 44), None);
        assert_eq!(check(http2(), 43), Some(Refusal::TooLarge { bytes: 44, max: 43 }));
    }

    #[test]
    fn the_number_of_headers_is_limited_over_http1() {
        let request = |version, count| {
            let request = Request::post("/a.B/C").version(version).header("host", "a");
            (1..count).fold(request, |request, _| request.header("x-t", "1"))
        };
        assert_eq!(check(request(Version::HTTP_11, 100), 16_384), None);
        assert_eq!(check(request(Version::HTTP_11, 101), 16_384), Some(Refusal::TooMany(101)));
        assert_eq!(check(request(Version::HTTP_2, 300), 16_384), None);
    }

    #[test]
    fn over_http1_there_is_one_host_at_most() {
        for (version, hosts, refused) in [
            (Version::HTTP_11, 1, false),
            (Version::HTTP_11, 0, false),
            (Version::HTTP_11, 2, true),
            (Version::HTTP_10, 0, false),
            (Version::HTTP_10, 2, true),
            (Version::HTTP_2, 0, false),
        ] {
            let request = (0..hosts).fold(Request::post("/a.B/C").version(version), |request, _| {
                request.header("host", "localhost")
            });
            assert_eq!(check(request, 16_384).is_some(), refused, "{version:?}, {hosts}");
        }
    }
}
