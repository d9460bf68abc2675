//! The parts of `conformance/conformance.proto` that the program uses.

/// `conformance.ConformanceRequest`. JSON is bytes here: the suite sends some that are not UTF-8.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Request {
    #[prost(oneof = "Payload", tags = "1, 2, 7, 8")]
    pub(crate) payload: Option<Payload>,
    #[prost(int32, tag = "3")]
    pub(crate) requested_output_format: i32,
    #[prost(string, tag = "4")]
    pub(crate) message_type: String,
    #[prost(int32, tag = "5")]
    pub(crate) test_category: i32,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Payload {
    #[prost(bytes, tag = "1")]
    Protobuf(Vec<u8>),
    #[prost(bytes, tag = "2")]
    Json(Vec<u8>),
    #[prost(bytes, tag = "7")]
    Jspb(Vec<u8>),
    #[prost(bytes, tag = "8")]
    Text(Vec<u8>),
}

/// `conformance.ConformanceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Response {
    #[prost(oneof = "Outcome", tags = "1, 2, 3, 4, 5, 6")]
    pub(crate) outcome: Option<Outcome>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Outcome {
    #[prost(string, tag = "1")]
    ParseError(String),
    #[prost(string, tag = "2")]
    RuntimeError(String),
    #[prost(bytes, tag = "3")]
    Protobuf(Vec<u8>),
    #[prost(bytes, tag = "4")]
    Json(Vec<u8>),
    #[prost(string, tag = "5")]
    Skipped(String),
    #[prost(string, tag = "6")]
    SerializeError(String),
}

impl Request {
    /// Returns whether the response is to be protobuf.
    pub(crate) fn wants_protobuf(&self) -> bool {
        const PROTOBUF: i32 = 1;
        self.requested_output_format == PROTOBUF
    }

    /// Returns whether the response is to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        const JSON: i32 = 2;
        self.requested_output_format == JSON
    }

    /// Returns whether unknown fields of JSON are to be ignored.
    pub(crate) fn ignores_unknown(&self) -> bool {
        const JSON_IGNORE_UNKNOWN_PARSING_TEST: i32 = 3;
        self.test_category == JSON_IGNORE_UNKNOWN_PARSING_TEST
    }
}
