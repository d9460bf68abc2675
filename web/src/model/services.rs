//! The services that the server hosts and forwards.

use drawbridge_calls_proto::{Forwarding, ServicesResponse};
use tonic::{Code, Status};

use super::failure::Failure;

/// The views that call the sample services: path, title, and the service that they call.
const SAMPLE_VIEWS: [(&str, &str, &str); 3] = [
    ("/streams", "Streams", "Message"),
    ("/greeter", "Greeter", "greet.Greeter"),
    ("/deadlines", "Deadlines", "frontend.FrontendService"),
];

/// What the page knows of the server's services.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Services {
    /// The page has asked the server.
    Pending,
    /// The server's answer.
    Known(ServicesResponse),
    /// The server did not answer, for this reason.
    Unavailable(&'static str),
}

impl From<Result<ServicesResponse, Status>> for Services {
    fn from(response: Result<ServicesResponse, Status>) -> Self {
        match response {
            Ok(services) => Self::Known(services),
            Err(status) if status.code() == Code::Unimplemented => Self::Unavailable(
                "This server does not list its services. It has no console: the program serves one on loopback addresses only.",
            ),
            Err(status) => Self::Unavailable(Failure::from(&status).explanation()),
        }
    }
}

impl Services {
    /// Returns the path of the start view, or `None` while the server's answer is pending: *Services* when the server
    /// forwards calls or hosts no samples, *Streams* otherwise.
    pub(crate) fn start_path(&self) -> Option<&'static str> {
        match self {
            Self::Pending => None,
            Self::Known(services)
                if !services.forwarded.is_empty() || !hosts(services, SAMPLE_VIEWS[0].2) =>
            {
                Some("/services")
            }
            Self::Known(_) | Self::Unavailable(_) => Some(SAMPLE_VIEWS[0].0),
        }
    }

    /// Returns a note for the view at `path` whose service the server does not host, up to the flag that hosts it. Empty
    /// when the server hosts it, and when the services are not known.
    pub(crate) fn missing_note(&self, path: &str) -> String {
        let (Self::Known(services), Some((.., service))) =
            (self, SAMPLE_VIEWS.iter().find(|(at, ..)| *at == path))
        else {
            return String::new();
        };
        if hosts(services, service) {
            return String::new();
        }
        let effect = services.forwarded.iter().find(|forwarding| takes(forwarding, service)).map_or_else(
            || "Its calls fail".to_owned(),
            |forwarding| format!("Its calls go to {}", forwarding.addresses.join(", ")),
        );
        format!(
            "This view calls {service}, which this server does not host. {effect}. To host it, start Drawbridge with "
        )
    }
}

/// Returns the path and the title of the view that calls a service.
pub(crate) fn view_of(service: &str) -> Option<(&'static str, &'static str)> {
    if service == "drawbridge.calls.v1.Calls" {
        return Some(("/calls", "Calls"));
    }
    SAMPLE_VIEWS.iter().find(|(.., called)| *called == service).map(|(path, title, _)| (*path, *title))
}

/// Returns the titles of the views whose service the server does not host.
pub(crate) fn views_without_service(services: &ServicesResponse) -> String {
    let missing = SAMPLE_VIEWS.iter().filter(|(.., service)| !hosts(services, service));
    missing.map(|(_, title, _)| *title).collect::<Vec<_>>().join(", ")
}

/// Returns which services the default upstream does not get, and the exceptions.
pub(crate) fn not_forwarded(services: &ServicesResponse) -> String {
    let exposed = if services.exposed.is_empty() {
        String::new()
    } else {
        format!(". Exposed: {}", services.exposed.join(", "))
    };
    format!("Not forwarded: {}{exposed}", services.closed.join(", "))
}

fn hosts(services: &ServicesResponse, service: &str) -> bool {
    services.hosted.iter().any(|hosted| hosted == service)
}

fn takes(forwarding: &Forwarding, service: &str) -> bool {
    forwarding.name.as_ref().is_none_or(|name| {
        service.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(hosted: &[&str], forwarded: &[(Option<&str>, &str)]) -> ServicesResponse {
        let forwarded = forwarded.iter().map(|(name, address)| Forwarding {
            name: name.map(str::to_owned),
            addresses: vec![(*address).to_owned()],
        });
        ServicesResponse {
            hosted: hosted.iter().map(ToString::to_string).collect(),
            forwarded: forwarded.collect(),
            ..ServicesResponse::default()
        }
    }

    #[test]
    fn the_start_view_is_streams_on_a_server_that_only_hosts_the_samples() {
        const ALL: [&str; 3] = ["Message", "greet.Greeter", "frontend.FrontendService"];
        let start = |hosted, forwarded| Services::Known(response(hosted, forwarded)).start_path();
        assert_eq!(start(&ALL, &[]), Some("/streams"));
        assert_eq!(start(&ALL, &[(None, "http://a")]), Some("/services"));
        assert_eq!(start(&["my.Service"], &[]), Some("/services"));
        assert_eq!(Services::Pending.start_path(), None);
        for status in [Status::unimplemented(""), Status::deadline_exceeded("")] {
            assert_eq!(Services::from(Err(status)).start_path(), Some("/streams"), "nothing else is known");
        }
    }

    #[test]
    fn a_view_whose_service_is_not_hosted_says_where_its_calls_go() {
        let hosted = Services::Known(response(&["Message"], &[]));
        assert_eq!(hosted.missing_note("/streams"), "");
        assert_eq!(hosted.missing_note("/calls"), "");
        assert!(hosted.missing_note("/greeter").contains("Its calls fail. To host it"));
        let forwarded = [(Some("greet.Greet"), "http://c"), (Some("greet"), "http://a"), (None, "http://b")];
        let forwarded = Services::Known(response(&["frontend"], &forwarded));
        assert!(forwarded.missing_note("/greeter").contains("Its calls go to http://a."));
        assert!(forwarded.missing_note("/streams").contains("Its calls go to http://b."));
        assert_eq!(Services::Pending.missing_note("/streams"), "");
    }

    #[test]
    fn each_sample_view_is_found_by_its_service() {
        assert_eq!(views_without_service(&response(&["greet.Greeter"], &[])), "Streams, Deadlines");
        assert_eq!(view_of("greet.Greeter"), Some(("/greeter", "Greeter")));
        assert_eq!(view_of("drawbridge.calls.v1.Calls"), Some(("/calls", "Calls")));
        assert_eq!(view_of("my.Service"), None);
    }

    #[test]
    fn services_that_are_not_forwarded_are_listed_with_the_exceptions() {
        let mut services = response(&[], &[]);
        services.closed = vec!["envoy".to_owned(), "grpc.reflection".to_owned()];
        assert_eq!(not_forwarded(&services), "Not forwarded: envoy, grpc.reflection");
        services.exposed = vec!["grpc.reflection.*".to_owned()];
        assert_eq!(
            not_forwarded(&services),
            "Not forwarded: envoy, grpc.reflection. Exposed: grpc.reflection.*"
        );
    }
}
