//! The entry of the translation to the wire.

use bytes::Bytes;

use super::error::{Fault, JsonError};
use super::message::Messages;
use super::options::ParseOptions;
use super::parser::Parser;
use crate::schema::Message;
use crate::wire::MAX_DEPTH;

/// Translates JSON to protobuf's wire format, as the [JSON mapping](https://protobuf.dev/programming-guides/json/) defines it.
///
/// Messages may be nested 100 deep; those in an `Any` and objects and arrays of a `Struct` count.
///
/// # Errors
///
/// Returns an error with the place in the text and in the message if the text is no JSON or not the JSON of this message.
pub fn to_wire(message: &Message, json: &[u8], options: ParseOptions) -> Result<Bytes, JsonError> {
    let (types, id) = message.parts();
    let text = std::str::from_utf8(json)
        .map_err(|error| Fault::new(error.valid_up_to(), "the text is not UTF-8").locate(json))?;
    let mut parser = Parser::new(types, text, options);
    let parsed = Messages::new(&mut parser).message(id, MAX_DEPTH).and_then(|()| match parser.lexer.peek() {
        None => parser.check_size(),
        Some(_) => Err(parser.lexer.unexpected("the end of the text")),
    });
    match parsed {
        Ok(()) => Ok(parser.out.into()),
        Err(fault) => Err(fault.locate(json)),
    }
}
