//! The entry of the translation to JSON.

use bytes::Bytes;

use super::error::WireError;
use super::message::Messages;
use super::occurrences::MAX_BUFFER;
use super::options::PrintOptions;
use super::parts::Parts;
use super::printer::Printer;
use crate::schema::Message;
use crate::wire::MAX_DEPTH;

/// Translates protobuf's wire format to JSON, as the [JSON mapping](https://protobuf.dev/programming-guides/json/) defines it, in
/// UTF-8 and without white space.
///
/// Fields are in the order of their numbers, and entries of maps in the order of their keys: equal messages have equal JSON.
/// Unknown fields are left out. An `Any` of a type that the schema does not have is
/// `{"@type": "…", "@value": "…"}` with its bytes in base64. Messages may be nested 100 deep; those in an `Any` and in a `Struct` count.
///
/// # Errors
///
/// Returns an error if the bytes are not this message, or if it has a value that JSON cannot have, such as a timestamp of the
/// year 10000.
pub fn from_wire(message: &Message, wire: &[u8], options: PrintOptions) -> Result<Bytes, WireError> {
    if wire.len() > MAX_BUFFER {
        return Err(WireError::too_large(options.max_bytes));
    }
    let (types, id) = message.parts();
    let out = Vec::with_capacity(wire.len().saturating_mul(2).min(options.max_bytes));
    let mut printer = Printer { types, buffer: wire, out, options };
    Messages::new(&mut printer).message(id, &Parts::one(0..wire.len()), MAX_DEPTH)?;
    printer.check_size()?;
    Ok(printer.out.into())
}
