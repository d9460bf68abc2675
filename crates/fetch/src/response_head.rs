//! What the head of a response says about the call.

use drawbridge_core::headers::GRPC_STATUS;
use drawbridge_core::{ContentType, Protocol, code_of_http};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tonic::{Code, Status};

use crate::cause::Cause;

/// Where a response has its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseHead {
    /// In the trailers of its body, which is in this form.
    Body(BodyForm),
    /// In its head. The body is not read.
    Status,
    /// In its head if there is no body, otherwise in the trailers of the body.
    StatusUnlessBody(BodyForm),
}

/// The two forms of a gRPC-Web body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    Binary,
    /// Base64.
    Text,
}

/// Classifies a response by its HTTP status and headers.
///
/// # Errors
///
/// Returns the status of the call if the response is not a gRPC-Web response.
pub(crate) fn classify(status: StatusCode, headers: &HeaderMap) -> Result<ResponseHead, Status> {
    match (body_form(status, headers), headers.get(GRPC_STATUS)) {
        (Ok(form), None) => Ok(ResponseHead::Body(form)),
        (Ok(form), Some(_)) => Ok(ResponseHead::StatusUnlessBody(form)),
        // A proxy may send a failure in the head of an error page. Only the server can report success.
        (Err(_), Some(status)) if status != "0" => Ok(ResponseHead::Status),
        (Err(not_grpc), _) => Err(not_grpc),
    }
}

/// Returns the form of the body of a gRPC-Web response.
fn body_form(status: StatusCode, headers: &HeaderMap) -> Result<BodyForm, Status> {
    if status != StatusCode::OK {
        let message = format!("the server responded with HTTP status {status} and no gRPC status");
        return Err(Cause::NotGrpc.status(code_of_http(status.as_u16()), message));
    }
    let declared = headers.get(header::CONTENT_TYPE);
    declared.and_then(form_of).ok_or_else(|| {
        let found = declared.map_or(&b"none"[..], HeaderValue::as_bytes);
        let found = String::from_utf8_lossy(found);
        let message = format!(
            "the response is not gRPC-Web: its content type is {found}, expected application/grpc-web+proto"
        );
        Cause::NotGrpc.status(Code::Unknown, message)
    })
}

/// Returns the form that a content type of gRPC-Web stands for. The codec is not checked here: tonic decodes messages.
fn form_of(content_type: &HeaderValue) -> Option<BodyForm> {
    match ContentType::parse_protocol(content_type)? {
        Protocol::GrpcWeb => Some(BodyForm::Binary),
        Protocol::GrpcWebText => Some(BodyForm::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify_type(content_type: &'static str) -> Result<ResponseHead, Status> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        classify(StatusCode::OK, &headers)
    }

    #[test]
    fn both_forms_are_recognized_with_and_without_a_codec() {
        for (content_type, form) in [
            ("application/grpc-web", BodyForm::Binary),
            ("application/grpc-web+proto", BodyForm::Binary),
            ("Application/gRPC-Web+proto; charset=utf-8", BodyForm::Binary),
            ("application/grpc-web-text", BodyForm::Text),
            ("application/grpc-web-text+proto", BodyForm::Text),
            ("application/grpc-web-text+thrift ;x=y", BodyForm::Text),
        ] {
            assert_eq!(classify_type(content_type).unwrap(), ResponseHead::Body(form), "{content_type}");
        }
    }

    #[test]
    fn the_error_names_another_content_type() {
        for content_type in
            ["text/html", "application/grpc", "application/grpc-webby", "application/grpc-web-texts"]
        {
            let status = classify_type(content_type).unwrap_err();
            assert_eq!((status.code(), Cause::of(&status)), (Code::Unknown, Some(Cause::NotGrpc)));
            assert!(status.message().contains(content_type), "{status}");
        }
        assert_eq!(classify(StatusCode::OK, &HeaderMap::new()).unwrap_err().code(), Code::Unknown);
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
            let refused = classify(StatusCode::from_u16(status).unwrap(), &HeaderMap::new()).unwrap_err();
            assert_eq!(refused.code(), code, "{status}");
            assert!(refused.message().contains(&status.to_string()), "{refused}");
        }
    }
}
