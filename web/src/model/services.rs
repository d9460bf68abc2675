//! What can be called, as the server tells.

use drawbridge_calls_proto::{Forwarding, ServicesResponse};
use tonic::{Code, Status};

use super::Failure;

/// The views that call services which come with the bridge, as examples: path, name, and the service that is called.
const SAMPLES: [(&str, &str, &str); 3] = [
    ("/streams", "Streams", "Message"),
    ("/greeter", "Greeter", "greet.Greeter"),
    ("/deadlines", "Deadlines", "frontend.FrontendService"),
];

/// What is known of the server's services.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Services {
    /// The answer is awaited.
    Asked,
    /// This is what it hosts and what it forwards.
    Told(ServicesResponse),
    /// It does not tell, for the reason that these words give.
    Untold(&'static str),
}

impl From<Result<ServicesResponse, Status>> for Services {
    fn from(answer: Result<ServicesResponse, Status>) -> Self {
        match answer {
            Ok(told) => Self::Told(told),
            Err(status) if status.code() == Code::Unimplemented => Self::Untold(
                "This server does not tell which services it has: it does so on a loopback address only.",
            ),
            Err(status) => Self::Untold(Failure::from(&status).words()),
        }
    }
}

impl Services {
    /// Returns the path of the view that one starts with, once that is known: the services where something is forwarded or
    /// there are no samples to try, and the samples otherwise.
    pub(crate) fn home(&self) -> Option<&'static str> {
        match self {
            Self::Asked => None,
            Self::Told(told) if !told.forwarded.is_empty() || !hosts(told, SAMPLES[0].2) => Some("/services"),
            Self::Told(_) | Self::Untold(_) => Some(SAMPLES[0].0),
        }
    }

    /// Says what becomes of the calls of the view at this path where their service is not hosted, up to the flag that
    /// would have it hosted. Empty where it is, and where nothing is known.
    pub(crate) fn lacks(&self, path: &str) -> String {
        let (Self::Told(told), Some((.., service))) = (self, SAMPLES.iter().find(|(at, ..)| *at == path))
        else {
            return String::new();
        };
        if hosts(told, service) {
            return String::new();
        }
        let goes = told.forwarded.iter().find(|forwarding| takes(forwarding, service)).map_or_else(
            || "its calls will fail".to_owned(),
            |forwarding| format!("its calls go to {}", forwarding.addresses.join(", ")),
        );
        format!(
            "This view calls {service}, which is not hosted here: {goes}. To host it, start the bridge with "
        )
    }
}

/// Returns the path and the name of the view that calls a service, if there is one.
pub(crate) fn view_of(service: &str) -> Option<(&'static str, &'static str)> {
    if service == "drawbridge.calls.v1.Calls" {
        return Some(("/calls", "Calls"));
    }
    SAMPLES.iter().find(|(.., called)| *called == service).map(|(path, name, _)| (*path, *name))
}

/// Returns the names of the views whose services are not hosted.
pub(crate) fn without_service(told: &ServicesResponse) -> String {
    let lacking = SAMPLES.iter().filter(|(.., service)| !hosts(told, service));
    lacking.map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Says what an upstream without a name does not take, and what of that it does.
pub(crate) fn closed(told: &ServicesResponse) -> String {
    let exposed = if told.exposed.is_empty() {
        String::new()
    } else {
        format!(". Exposed: {}", told.exposed.join(", "))
    };
    format!("Closed: {}{exposed}", told.closed.join(", "))
}

fn hosts(told: &ServicesResponse, service: &str) -> bool {
    told.hosted.iter().any(|hosted| hosted == service)
}

fn takes(forwarding: &Forwarding, service: &str) -> bool {
    forwarding.name.as_ref().is_none_or(|name| {
        service.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hosted: &[&str], forwarded: &[(Option<&str>, &str)]) -> ServicesResponse {
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
    fn one_starts_with_the_samples_where_they_are_all_there_is() {
        const ALL: [&str; 3] = ["Message", "greet.Greeter", "frontend.FrontendService"];
        let home = |hosted, forwarded| Services::Told(told(hosted, forwarded)).home();
        assert_eq!(home(&ALL, &[]), Some("/streams"));
        assert_eq!(home(&ALL, &[(None, "http://a")]), Some("/services"));
        assert_eq!(home(&["my.Service"], &[]), Some("/services"));
        assert_eq!(Services::Asked.home(), None);
        for status in [Status::unimplemented(""), Status::deadline_exceeded("")] {
            assert_eq!(Services::from(Err(status)).home(), Some("/streams"), "as nothing else is known");
        }
    }

    #[test]
    fn a_view_whose_service_is_not_hosted_says_where_its_calls_go() {
        let hosted = Services::Told(told(&["Message"], &[]));
        assert_eq!(hosted.lacks("/streams"), "");
        assert_eq!(hosted.lacks("/calls"), "");
        assert!(hosted.lacks("/greeter").contains("its calls will fail. To host it"));
        let forwarded = [(Some("greet.Greet"), "http://c"), (Some("greet"), "http://a"), (None, "http://b")];
        let forwarded = Services::Told(told(&["frontend"], &forwarded));
        assert!(forwarded.lacks("/greeter").contains("its calls go to http://a."));
        assert!(forwarded.lacks("/streams").contains("its calls go to http://b."));
        assert_eq!(Services::Asked.lacks("/streams"), "");
    }

    #[test]
    fn the_views_without_a_service_are_named() {
        assert_eq!(without_service(&told(&["greet.Greeter"], &[])), "Streams, Deadlines");
        assert_eq!(view_of("greet.Greeter"), Some(("/greeter", "Greeter")));
        assert_eq!(view_of("drawbridge.calls.v1.Calls"), Some(("/calls", "Calls")));
        assert_eq!(view_of("my.Service"), None);
    }

    #[test]
    fn what_stays_closed_is_told_with_what_is_exposed() {
        let mut told = told(&[], &[]);
        told.closed = vec!["envoy".to_owned(), "grpc.reflection".to_owned()];
        assert_eq!(closed(&told), "Closed: envoy, grpc.reflection");
        told.exposed = vec!["grpc.reflection.*".to_owned()];
        assert_eq!(closed(&told), "Closed: envoy, grpc.reflection. Exposed: grpc.reflection.*");
    }
}
