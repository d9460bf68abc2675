//! What the head of a request says, in one pass over its headers.

use http::{HeaderValue, Request, Version, header};

/// What each header adds to the size of a head, besides its name and its value: `: ` and the end of the line over HTTP/1.1,
/// and what `SETTINGS_MAX_HEADER_LIST_SIZE` counts over HTTP/2 (RFC 9113, section 6.5.2).
const OVERHEAD_HTTP1: usize = 4;
const OVERHEAD_HTTP2: usize = 32;

/// What the head of a request says. All of it is asked for each call, and to look up each header by its name costs more.
#[derive(Debug, Default)]
pub(super) struct Head<'a> {
    /// The size of the target and the headers.
    pub(super) bytes: usize,
    /// How many `Host` headers there are, and the first one.
    pub(super) hosts: usize,
    pub(super) host: Option<&'a HeaderValue>,
    /// The first `content-type`.
    pub(super) content_type: Option<&'a HeaderValue>,
    /// Whether there is an `origin`.
    pub(super) has_origin: bool,
}

impl<'a> Head<'a> {
    pub(super) fn read<B>(request: &'a Request<B>) -> Self {
        let headers = request.headers();
        let overhead = if request.version() < Version::HTTP_2 { OVERHEAD_HTTP1 } else { OVERHEAD_HTTP2 };
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        let mut head = Self { bytes: target + headers.len() * overhead, ..Self::default() };
        for (name, value) in headers {
            head.bytes += name.as_str().len() + value.len();
            if *name == header::HOST {
                head.hosts += 1;
                head.host.get_or_insert(value);
            } else if *name == header::CONTENT_TYPE {
                head.content_type.get_or_insert(value);
            } else if *name == header::ORIGIN {
                head.has_origin = true;
            }
        }
        head
    }
}
