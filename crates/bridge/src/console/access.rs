//! Who may use the console.

use std::net::SocketAddr;

use drawbridge_core::headers::{X_DRAWBRIDGE_TOKEN, text};
use tonic::Status;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::token::ConsoleToken;
use crate::web::HostPolicy;

/// The status message of a call that only a token could open, on a server that has none.
const NO_TOKEN: &str = "the console of this server answers only clients of its own machine that come through no proxy; call it \
                        from there, or start the server with a console token and send that in the header x-drawbridge-token";

/// What the metadata of a refusal says under [`X_DRAWBRIDGE_TOKEN`] if a token would have helped.
const REQUIRED: &str = "required";

/// Who may use the console: clients of this machine, and those that have the token.
#[derive(Clone, Debug)]
pub(super) struct Access {
    hosts: HostPolicy,
    token: Option<ConsoleToken>,
}

impl Access {
    pub(super) const fn new(hosts: HostPolicy, token: Option<ConsoleToken>) -> Self {
        Self { hosts, token }
    }

    pub(super) fn with_token(self, token: ConsoleToken) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Admits a call, and returns the fingerprint of its token. A call that needs no token may have none.
    ///
    /// # Errors
    ///
    /// Returns the status of a call that is refused.
    pub(super) fn admit(
        &self,
        peer: Option<SocketAddr>,
        metadata: &MetadataMap,
    ) -> Result<Option<String>, Status> {
        let presented = metadata.get(X_DRAWBRIDGE_TOKEN.as_str()).map(MetadataValue::as_encoded_bytes);
        let matching =
            self.token.as_ref().filter(|token| presented.is_some_and(|bytes| token.matches(bytes)));
        if matching.is_none() && !is_local(peer, metadata) {
            return Err(self.needs_token(presented.is_some()));
        }
        if let Some(origin) = metadata.get("origin").map(MetadataValue::as_encoded_bytes)
            && !self.allows_origin(origin, metadata, matching.is_some())
        {
            return Err(Status::permission_denied(
                "the console of this server is for pages of its own host only",
            ));
        }
        Ok(matching.map(ConsoleToken::fingerprint))
    }

    /// Returns whether pages of this origin may use the console.
    fn allows_origin(&self, origin: &[u8], metadata: &MetadataMap, has_token: bool) -> bool {
        match &self.hosts {
            HostPolicy::Any if has_token => is_same_origin(origin, metadata),
            // Every name is accepted, so that a page of any name may have it resolve to this machine.
            HostPolicy::Any => HostPolicy::Loopback { also: Vec::new() }.allows_origin(origin),
            hosts @ HostPolicy::Loopback { .. } => hosts.allows_origin(origin),
        }
    }

    fn needs_token(&self, has_wrong_one: bool) -> Status {
        let message = match (&self.token, has_wrong_one) {
            (None, _) => NO_TOKEN,
            (Some(_), false) => {
                "the console of this server requires its token in the header x-drawbridge-token"
            }
            (Some(_), true) => {
                "the token in the header x-drawbridge-token is not that of this server's console"
            }
        };
        let mut status = Status::permission_denied(message);
        if self.token.is_some() {
            status.metadata_mut().insert(text::X_DRAWBRIDGE_TOKEN, MetadataValue::from_static(REQUIRED));
        }
        status
    }
}

/// Returns whether a call comes from this machine, and not from a proxy on it. A client whose address is not known may be anywhere.
fn is_local(peer: Option<SocketAddr>, metadata: &MetadataMap) -> bool {
    let by_proxy = metadata.as_ref().keys().any(|name| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
    });
    peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) && !by_proxy
}

/// Returns whether a request comes from a page of the host that it is sent to.
fn is_same_origin(origin: &[u8], metadata: &MetadataMap) -> bool {
    // Browsers send it to hosts over HTTPS, and thus always over HTTP/2, where the host is no header.
    if let Some(site) = metadata.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = metadata.get("host").map(MetadataValue::as_encoded_bytes);
    let of_origin = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    of_origin.is_some() && of_origin == host
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    const TOKEN: &str = "a-token-of-25-characters.";
    const LOCAL: &str = "127.0.0.1:50000";
    const REMOTE: &str = "203.0.113.9:50000";

    fn access(hosts: HostPolicy, has_token: bool) -> Access {
        Access::new(hosts, has_token.then(|| ConsoleToken::new(TOKEN).unwrap()))
    }

    fn loopback() -> HostPolicy {
        HostPolicy::Loopback { also: vec!["bridge.example".to_owned()] }
    }

    fn admit(
        access: &Access,
        peer: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Option<String>, Status> {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        access.admit(peer.parse().ok(), &MetadataMap::from_headers(map))
    }

    #[test]
    fn clients_of_this_machine_need_no_token() {
        for peer in [LOCAL, "[::1]:1", "[::ffff:127.0.0.1]:1", "127.9.9.9:1"] {
            for has_token in [false, true] {
                assert_eq!(admit(&access(loopback(), has_token), peer, &[]).unwrap(), None);
            }
        }
    }

    #[test]
    fn all_others_need_the_token() {
        let by_proxy = [
            ("forwarded", "for=203.0.113.9"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-anything", ""),
            ("x-real-ip", "203.0.113.9"),
            ("via", "1.1 proxy"),
        ];
        let mut cases: Vec<_> = by_proxy.iter().map(|header| (LOCAL, Some(*header))).collect();
        cases.extend([(REMOTE, None), ("unknown", None)]);
        for (peer, header) in cases {
            let mut headers: Vec<_> = header.into_iter().collect();
            let refused = admit(&access(loopback(), false), peer, &headers).unwrap_err();
            assert_eq!(refused.code(), Code::PermissionDenied, "{peer} {header:?}");
            assert!(refused.message().contains("start the server with a console token"), "{refused}");
            assert!(refused.metadata().is_empty());
            let guarded = access(loopback(), true);
            let refused = admit(&guarded, peer, &headers).unwrap_err();
            assert!(refused.message().contains("requires its token"), "{refused}");
            assert_eq!(refused.metadata().get("x-drawbridge-token").unwrap(), "required");
            headers.push(("x-drawbridge-token", "another-token-of-27-characters"));
            let refused = admit(&guarded, peer, &headers).unwrap_err();
            assert!(refused.message().contains("not that of"), "{refused}");
            headers.last_mut().unwrap().1 = TOKEN;
            assert!(admit(&guarded, peer, &headers).unwrap().is_some(), "{peer} {header:?}");
            assert!(admit(&access(loopback(), false), peer, &headers).is_err(), "there is no token");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let token = ("x-drawbridge-token", TOKEN);
        let host = ("host", "bridge.example:8080");
        let origin = |origin| ("origin", origin);
        for (hosts, peer, headers, allowed) in [
            (loopback(), LOCAL, vec![origin("http://localhost:3000")], true),
            (loopback(), LOCAL, vec![origin("https://bridge.example")], true),
            (loopback(), LOCAL, vec![origin("https://app.example")], false),
            (loopback(), LOCAL, vec![origin("https://app.example"), token], false),
            (HostPolicy::Any, LOCAL, vec![origin("http://localhost:8080")], true),
            // A name that resolves to this machine.
            (HostPolicy::Any, LOCAL, vec![origin("http://bridge.example:8080"), host], false),
            (HostPolicy::Any, REMOTE, vec![origin("http://bridge.example:8080"), host, token], true),
            (HostPolicy::Any, REMOTE, vec![origin("http://bridge.example"), host, token], false),
            (HostPolicy::Any, REMOTE, vec![origin("null"), host, token], false),
            (HostPolicy::Any, REMOTE, vec![origin("https://a.example"), token], false),
            (
                HostPolicy::Any,
                REMOTE,
                vec![origin("https://a.example"), ("sec-fetch-site", "same-origin"), token],
                true,
            ),
            (
                HostPolicy::Any,
                REMOTE,
                vec![origin("https://a.example"), ("sec-fetch-site", "same-site"), token],
                false,
            ),
        ] {
            let admitted = admit(&access(hosts, true), peer, &headers);
            assert_eq!(admitted.is_ok(), allowed, "{headers:?}: {admitted:?}");
        }
    }
}
