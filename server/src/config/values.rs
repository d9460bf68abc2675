//! The values of flags that are more than a number or a path, each with what to say of one that is wrong.

use std::time::Duration;

use http::HeaderValue;
use http::uri::{Authority, Uri};

use drawbridge_core::duration;

pub(super) fn origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = || {
        format!(
            "{text:?} is not an origin: expected a scheme and host such as https://app.example, without a path"
        )
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    // A browser sends nothing behind the authority, so anything there would never match.
    if text.len() != uri.scheme_str().map_or(0, str::len) + "://".len() + authority.as_str().len()
        || authority.as_str().contains('@')
    {
        return Err(wrong());
    }
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| wrong())
}

pub(super) fn service(text: &str) -> Result<Uri, String> {
    let uri: Option<Uri> = text.parse().ok();
    uri.filter(|uri| {
        uri.scheme_str() == Some("http")
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path_and_query().is_none_or(|path| path == "/")
    })
    .ok_or_else(|| {
        format!("{text:?} is not the address of a service: expected one such as http://127.0.0.1:50051, without a path")
    })
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let authority = text.parse::<Authority>().ok().filter(|authority| authority.host() == text);
    authority.map(|_| text.to_owned()).ok_or_else(|| {
        format!("{text:?} is not a host name: expected a name such as bridge.example, without scheme, port and path")
    })
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    if time.is_zero() {
        return Err(format!("{text:?} would end every call at once; leave the flag out to set no time"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_an_origin() {
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
    fn only_a_host_is_a_host() {
        assert_eq!(host("bridge.example").as_deref(), Ok("bridge.example"));
        for text in ["bridge.example:80", "http://bridge.example", "a/b", ""] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_has_an_address_and_no_path() {
        for text in ["http://127.0.0.1:50051", "http://users.example/", "http://[::1]:80"] {
            assert!(service(text).is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:50051",
            "https://users.example",
            "http://users.example/a",
            "http://a@b",
            "http://",
            "",
        ] {
            assert!(service(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_time_at_all_is_no_deadline() {
        assert_eq!(time("250ms"), Ok(Duration::from_millis(250)));
        assert!(time("0s").is_err());
    }
}
