//! Parsers of flag values. Each error quotes the value and says what is expected.

use std::net::SocketAddr;
use std::time::Duration;

use drawbridge_core::duration;
use http::HeaderValue;
use http::uri::{Authority, Uri};

/// Parses an IP address and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is not an IP address and a port: expected one such as 127.0.0.1:8080 or [::1]:8080")
    })
}

/// Parses a number of at least 1.
pub(super) fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("{text:?} is not a count: expected a whole number of 1 or more"))
}

/// Parses a web origin, into the form in which browsers send it.
pub(super) fn origin(text: &str) -> Result<HeaderValue, String> {
    let invalid = || {
        format!(
            "{text:?} is not an origin: expected a scheme and a host such as https://app.example, without a path"
        )
    };
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(invalid());
    };
    // A browser sends nothing after the authority, so a longer text would never match.
    let length = scheme.len() + "://".len() + authority.as_str().len();
    if text.len() != length || authority.as_str().contains('@') {
        return Err(invalid());
    }
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| invalid())
}

/// Parses the URL of a gRPC server without TLS.
pub(super) fn service_url(text: &str) -> Result<Uri, String> {
    let uri: Option<Uri> = text.parse().ok();
    uri.filter(|uri| {
        uri.scheme_str() == Some("http")
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path_and_query().is_none_or(|path| path == "/")
    })
    .ok_or_else(|| {
        format!(
            "{text:?} is not the URL of a gRPC server: expected http://HOST:PORT such as http://127.0.0.1:50051, without a path"
        )
    })
}

/// Parses a host name.
pub(super) fn host(text: &str) -> Result<String, String> {
    let authority = text.parse::<Authority>().ok().filter(|authority| authority.host() == text);
    authority.map(|_| text.to_owned()).ok_or_else(|| {
        format!("{text:?} is not a host name: expected a name such as bridge.example, without scheme, port or path")
    })
}

/// Parses a time, such as `250ms`, which may be zero.
pub(super) fn time_or_zero(text: &str) -> Result<Duration, String> {
    duration::parse(text)
}

/// Parses a timeout, such as `250ms`.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = duration::parse(text)?;
    if timeout.is_zero() {
        return Err(format!(
            "{text:?} would end every call at once: expected a time such as 30s; leave out the flag for no timeout"
        ));
    }
    Ok(timeout)
}

/// Parses a time that is not zero, such as `250ms`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    if time.is_zero() {
        return Err(format!("{text:?} is no time: expected one of at least 1ms, such as 10s"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_at_least_one() {
        assert_eq!(count("1"), Ok(1));
        for text in ["0", "-1", "1.5", "", "99999999999999999999999"] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_an_authority() {
        for text in ["https://app.example", "http://localhost:3000", "HTTPS://App.Example"] {
            assert_eq!(origin(text).unwrap(), text.to_ascii_lowercase());
        }
        for text in [
            "*",
            "app.example",
            "https://app.example/",
            "https://app.example/a",
            "ftp://a",
            "https://a@b",
            "",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_has_no_scheme_port_or_path() {
        assert_eq!(host("bridge.example").as_deref(), Ok("bridge.example"));
        for text in ["bridge.example:80", "http://bridge.example", "a/b", ""] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_url_has_no_tls_user_or_path() {
        for text in ["http://127.0.0.1:50051", "http://users.example/", "http://[::1]:80"] {
            assert!(service_url(text).is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:50051",
            "https://users.example",
            "http://users.example/a",
            "http://a@b",
            "http://",
            "",
        ] {
            assert!(service_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_timeout_of_zero_is_an_error() {
        assert_eq!(timeout("250ms"), Ok(Duration::from_millis(250)));
        assert!(timeout("0s").is_err());
    }
}
