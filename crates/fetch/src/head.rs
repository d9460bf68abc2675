//! The judgement on a response before its body is read.

use drawbridge_core::code_of_http;
use http::{HeaderMap, StatusCode, header};
use tonic::{Code, Status};

use crate::Cause;
use crate::decoder::Form;
use crate::metadata::GRPC_STATUS;

/// What the head of an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The call's status comes with the body.
    Body(Form),
    /// The head holds the status, and what may follow is no answer to a call.
    Status,
    /// The head holds the status if no body follows. One that does has its own, which goes before.
    StatusUnlessBody(Form),
}

/// Decides from its HTTP status and headers whether a response is an answer to a call, and in which form.
pub(crate) fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Head, Status> {
    match (form(status, headers), headers.get(GRPC_STATUS)) {
        (Ok(form), None) => Ok(Head::Body(form)),
        (Ok(form), Some(_)) => Ok(Head::StatusUnlessBody(form)),
        // A proxy may tell why it failed and send a page beside it. That all went well it cannot know.
        (Err(_), Some(status)) if status != "0" => Ok(Head::Status),
        (Err(refused), _) => Err(refused),
    }
}

/// Returns the form of the body, if that is one of gRPC-Web.
fn form(status: StatusCode, headers: &HeaderMap) -> Result<Form, Status> {
    if status != StatusCode::OK {
        let message = format!("the server answered with HTTP status {status}, and no gRPC status");
        return Err(Cause::NotGrpc.status(code_of_http(status.as_u16()), message));
    }
    let declared = headers.get(header::CONTENT_TYPE);
    form_of(declared.map_or(&[], header::HeaderValue::as_bytes)).ok_or_else(|| {
        let message = declared.map_or_else(
            || "what answered is no gRPC-Web server: it named no content type".to_owned(),
            |declared| format!("what answered is no gRPC-Web server: its content type is {declared:?}"),
        );
        Cause::NotGrpc.status(Code::Unknown, message)
    })
}

/// Returns the form that a content type of gRPC-Web stands for. Which message format it names behind a `+` is for
/// the codec to know.
fn form_of(content_type: &[u8]) -> Option<Form> {
    let kind = content_type.split(|byte| *byte == b';').next()?.trim_ascii().to_ascii_lowercase();
    let rest = kind.strip_prefix(b"application/grpc-web")?;
    let (form, rest) = match rest.strip_prefix(b"-text") {
        Some(rest) => (Form::Text, rest),
        None => (Form::Binary, rest),
    };
    matches!(rest, [] | [b'+', ..]).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_type(content_type: &'static str) -> Result<Head, Status> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        judge(StatusCode::OK, &headers)
    }

    #[test]
    fn both_forms_are_known_with_and_without_a_format() {
        for (content_type, form) in [
            ("application/grpc-web", Form::Binary),
            ("application/grpc-web+proto", Form::Binary),
            ("Application/gRPC-Web+proto; charset=utf-8", Form::Binary),
            ("application/grpc-web-text", Form::Text),
            ("application/grpc-web-text+proto", Form::Text),
            ("application/grpc-web-text+thrift ;x=y", Form::Text),
        ] {
            assert_eq!(judge_type(content_type).unwrap(), Head::Body(form), "{content_type}");
        }
    }

    #[test]
    fn another_content_type_is_named() {
        for content_type in
            ["text/html", "application/grpc", "application/grpc-webby", "application/grpc-web-texts"]
        {
            let status = judge_type(content_type).unwrap_err();
            assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NotGrpc)));
            assert!(status.message().contains(content_type), "{status}");
        }
        assert_eq!(judge(StatusCode::OK, &HeaderMap::new()).unwrap_err().code(), Code::Unknown);
    }

    #[test]
    fn an_http_error_has_its_code() {
        for (status, code) in [
            (400, Code::Internal),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::Unimplemented),
            (409, Code::Unknown),
            (413, Code::Unknown),
            (415, Code::Unknown),
            (418, Code::Unknown),
            (429, Code::Unavailable),
            (431, Code::Unknown),
            (500, Code::Unknown),
            (502, Code::Unavailable),
            (503, Code::Unavailable),
            (504, Code::Unavailable),
            (505, Code::Unknown),
            (800, Code::Unknown),
        ] {
            let refused = judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).unwrap_err();
            assert_eq!(refused.code(), code, "{status}");
            assert!(refused.message().contains(&status.to_string()), "{refused}");
        }
    }
}
