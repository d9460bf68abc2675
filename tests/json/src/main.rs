//! The program that protobuf's `conformance_test_runner` tests: it reads requests from stdin, and writes responses to stdout.
//!
//! `drawbridge-json-conformance DESCRIPTORS`, where DESCRIPTORS is a `FileDescriptorSet` with the suite's messages.

mod contract;

use std::io::{ErrorKind, Read as _, Write as _};

use anyhow::{Context as _, Result};
use drawbridge_json::{
    JsonError, Message, ParseOptions, PrintOptions, Schema, UnknownFields, from_wire, to_wire,
};
use prost::Message as _;

use contract::{Outcome, Payload, Request, Response};

fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).context("expected a file with a FileDescriptorSet")?;
    let schema = Schema::from_sets([std::fs::read(file)?])?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    loop {
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let mut request = vec![0; usize::try_from(u32::from_le_bytes(length))?];
        input.read_exact(&mut request)?;
        let outcome = answer(&schema, &Request::decode(&*request)?);
        let response = Response { outcome: Some(outcome) }.encode_to_vec();
        output.write_all(&u32::try_from(response.len())?.to_le_bytes())?;
        output.write_all(&response)?;
        output.flush()?;
    }
}

/// Translates the payload to the requested format. Protobuf becomes protobuf by way of JSON, so that the cases of the binary format
/// test the translation in both directions.
fn answer(schema: &Schema, request: &Request) -> Outcome {
    let Some(message) = schema.message(&request.message_type) else {
        return Outcome::RuntimeError(format!("unknown message {}", request.message_type));
    };
    if !request.wants_json() && !request.wants_protobuf() {
        return Outcome::Skipped("neither protobuf nor JSON".to_owned());
    }
    let unknown_fields =
        if request.ignores_unknown() { UnknownFields::Ignore } else { UnknownFields::Refuse };
    let wire = match &request.payload {
        Some(Payload::Protobuf(wire)) => wire.clone(),
        Some(Payload::Json(json)) => match parse(&message, json, unknown_fields) {
            Ok(wire) => wire,
            Err(error) => return Outcome::ParseError(error.to_string()),
        },
        _ => return Outcome::Skipped("neither protobuf nor JSON".to_owned()),
    };
    let json = match from_wire(&message, &wire, PrintOptions::default()) {
        Ok(json) => json,
        // JSON has nothing for some values that protobuf has, and for malformed bytes.
        Err(error) if request.wants_json() => return Outcome::SerializeError(error.to_string()),
        Err(error) => return Outcome::ParseError(error.to_string()),
    };
    if request.wants_json() {
        return Outcome::Json(json.into());
    }
    match parse(&message, &json, unknown_fields) {
        Ok(wire) if from_wire(&message, &wire, PrintOptions::default()).as_ref() == Ok(&json) => {
            Outcome::Protobuf(wire)
        }
        Ok(_) => Outcome::RuntimeError("the JSON is another one after a round trip".to_owned()),
        Err(error) => Outcome::RuntimeError(format!("a round trip fails: {error}")),
    }
}

fn parse(message: &Message, json: &[u8], unknown_fields: UnknownFields) -> Result<Vec<u8>, JsonError> {
    to_wire(message, json, ParseOptions { unknown_fields, ..ParseOptions::default() }).map(Into::into)
}
