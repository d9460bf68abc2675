//! The program that protobuf's `conformance_test_runner` tests: it reads requests from stdin, and writes responses to stdout.
//!
//! `drawbridge-json-conformance DESCRIPTORS`, where DESCRIPTORS is a `FileDescriptorSet` with the suite's messages.

mod contract;

use std::io::{ErrorKind, Read as _, Write as _};

use anyhow::{Context as _, Result};
use drawbridge_json::{Message, ParseOptions, PrintOptions, Schema, UnknownFields, from_wire, to_wire};
use prost::Message as _;

use contract::{Payload, Request, Response, Outcome};

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
        let outcome = answer(&schema, Request::decode(&*request)?);
        let response = Response { outcome: Some(outcome) }.encode_to_vec();
        output.write_all(&u32::try_from(response.len())?.to_le_bytes())?;
        output.write_all(&response)?;
        output.flush()?;
    }
}

fn answer(schema: &Schema, request: Request) -> Outcome {
    let Some(message) = schema.message(&request.message_type) else {
        return Outcome::RuntimeError(format!("unknown message {}", request.message_type));
    };
    let unknown_fields =
        if request.ignores_unknown() { UnknownFields::Ignore } else { UnknownFields::Refuse };
    let to_json = request.wants_json();
    let wire = match request.payload {
        Some(Payload::Protobuf(_)) if !to_json => {
            return Outcome::Skipped("no JSON".to_owned());
        }
        Some(Payload::Protobuf(wire)) => wire,
        Some(Payload::Json(json)) => {
            let options = ParseOptions { unknown_fields, ..ParseOptions::default() };
            match to_wire(&message, &json, options) {
                Ok(wire) => wire.into(),
                Err(error) => return Outcome::ParseError(error.to_string()),
            }
        }
        _ => return Outcome::Skipped("neither protobuf nor JSON".to_owned()),
    };
    if to_json { print(&message, &wire) } else { Outcome::Protobuf(wire) }
}

fn print(message: &Message, wire: &[u8]) -> Outcome {
    match from_wire(message, wire, PrintOptions::default()) {
        Ok(json) => Outcome::Json(json.into()),
        Err(error) => Outcome::SerializeError(error.to_string()),
    }
}
