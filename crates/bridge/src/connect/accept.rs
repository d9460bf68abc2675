//! In which form a client of JSON gets a stream.

use http::header::{self, HeaderMap};

/// The form of a stream of messages in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamForm {
    /// A line for each message (`application/x-ndjson`).
    Lines,
    /// An event for each message (`text/event-stream`).
    Events,
    /// One array, once the stream has ended (`application/json`).
    Array,
}

/// What a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) form: StreamForm,
    /// Whether the client names a form that only a stream has.
    pub(super) names_stream: bool,
}

impl Accepted {
    /// Reads `accept`. Lines are the default. An array is for clients that accept JSON and nothing else, because it cannot say an error behind
    /// its first message.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut best, mut all_json, mut any) = (None, true, false);
        for (media_type, weight) in lists.flat_map(|list| list.split(',')).filter_map(range) {
            any = true;
            all_json &= media_type.eq_ignore_ascii_case("application/json");
            if let Some(form) = stream_form(media_type)
                && best.is_none_or(|(_, heaviest)| weight > heaviest)
            {
                best = Some((form, weight));
            }
        }
        match best {
            Some((form, _)) => Self { form, names_stream: true },
            None if any && all_json => Self { form: StreamForm::Array, names_stream: false },
            None => Self { form: StreamForm::Lines, names_stream: false },
        }
    }
}

fn stream_form(media_type: &str) -> Option<StreamForm> {
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    if is("text/event-stream") {
        Some(StreamForm::Events)
    } else if is("application/x-ndjson") || is("application/ndjson") || is("application/jsonl") {
        Some(StreamForm::Lines)
    } else {
        None
    }
}

/// Reads a part of `accept`: its media type and its weight. One of weight zero is not accepted.
fn range(part: &str) -> Option<(&str, f32)> {
    let mut pieces = part.split(';').map(str::trim);
    let media_type = pieces.next().filter(|media_type| !media_type.is_empty())?;
    let weights = pieces.filter_map(|piece| piece.split_once('='));
    let mut weights = weights.filter(|(key, _)| key.trim_end().eq_ignore_ascii_case("q"));
    let weight = weights.next().map_or(1.0, |(_, weight)| weight.trim_start().parse().unwrap_or(1.0));
    (weight > 0.0).then_some((media_type, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_form_is_the_one_that_the_client_prefers() {
        for (accept, form, names_stream) in [
            (None, StreamForm::Lines, false),
            (Some("*/*"), StreamForm::Lines, false),
            (Some("application/json, text/plain, */*"), StreamForm::Lines, false),
            (Some("application/json"), StreamForm::Array, false),
            (Some("Application/JSON; q=0.9"), StreamForm::Array, false),
            (Some("text/event-stream"), StreamForm::Events, true),
            (Some("text/event-stream;q=0, */*"), StreamForm::Lines, false),
            (Some("text/event-stream;q=0.5, application/x-ndjson"), StreamForm::Lines, true),
            (Some("application/x-ndjson;q=0.5, text/event-stream;q=0.6"), StreamForm::Events, true),
            (Some("application/jsonl, application/json"), StreamForm::Lines, true),
            (Some(""), StreamForm::Lines, false),
        ] {
            let accept = accept.map(|accept| (header::ACCEPT, HeaderValue::from_static(accept)));
            let accepted = Accepted::read(&accept.into_iter().collect());
            assert_eq!(accepted, Accepted { form, names_stream });
        }
    }
}
