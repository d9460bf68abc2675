//! One field from text, as it is in a path or a query.

use super::error::{Fault, JsonError, Parsed};
use super::message::Messages;
use super::options::ParseOptions;
use super::parser::Parser;
use crate::path::Step;
use crate::schema::Message;
use crate::schema::kind::{Kind, MessageId, WireType};
use crate::schema::plan::{Field, Shape};
use crate::schema::types::Types;
use crate::schema::well_known::WellKnown;
use crate::text::{self, excerpt};
use crate::wire::{MAX_DEPTH, begin_length, end_length, write_tag};

/// Appends one field of a message to its wire format, by a path of names such as `user.name`, from text: a number, `true`, a name of
/// an enumeration, base64, a timestamp. Names are those in JSON or in the contract.
///
/// The wire format merges what is appended. So a body and the fields of a path and a query are one message, if each is appended to the
/// one before: a field that is there again replaces the one before, and a list gets one element more.
///
/// # Errors
///
/// Returns an error if the message has no such field, if the text is no value of its type, or if the field is a message or a map, which have no text.
/// Its column is that in the text.
pub fn text_to_wire(message: &Message, path: &str, text: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let (types, id) = message.parts();
    let before = out.len();
    append(types, id, path, text, out).map_err(|fault| {
        out.truncate(before);
        fault.locate(text.as_bytes())
    })
}

fn append(types: &Types, id: MessageId, path: &str, text: &str, out: &mut Vec<u8>) -> Parsed<()> {
    let mut names = path.split('.');
    let mut message = id;
    // The messages that are begun: the field of each, and where its content starts.
    let mut begun: Vec<(&Field, usize)> = Vec::new();
    let mut name = names.next().unwrap_or_default();
    let field = loop {
        let plan = types.message(message);
        let known = plan.by_name(name, 0).filter(|_| plan.well_known.is_none());
        let Some(index) = known else {
            let reason = format!("`{}` has no field \"{}\"", types.name(message), excerpt(name));
            return Err(Fault::unknown(0, reason).within(Step::Field(excerpt(path))));
        };
        let field = &plan.fields[index];
        let Some(next) = names.next() else { break field };
        let (Shape::Singular, Kind::Message(inner)) = (field.shape, field.kind) else {
            let reason = format!("\"{}\" is not a message: it has no fields", excerpt(name));
            return Err(Fault::new(0, reason).within(Step::Field(excerpt(path))));
        };
        if begun.len() >= MAX_DEPTH as usize - 1 {
            return Err(super::lexer::too_deep(0));
        }
        if field.delimited {
            write_tag(out, field.number, WireType::StartGroup);
            begun.push((field, 0));
        } else {
            write_tag(out, field.number, WireType::Length);
            begun.push((field, begin_length(out)));
        }
        (message, name) = (inner, next);
    };
    let json = json_of(types, field, text).map_err(|fault| fault.within(Step::Field(excerpt(path))))?;
    let mut parser =
        Parser::new(types, &json, ParseOptions { max_bytes: usize::MAX, ..ParseOptions::default() });
    Messages::new(&mut parser)
        .element(field, MAX_DEPTH)
        .and_then(|()| match parser.lexer.peek() {
            None => Ok(()),
            Some(_) => Err(parser.lexer.unexpected("the end of the text")),
        })
        .map_err(|fault| fault.at_start().within(Step::Field(excerpt(path))))?;
    out.extend_from_slice(&parser.out);
    for (field, start) in begun.into_iter().rev() {
        if field.delimited {
            write_tag(out, field.number, WireType::EndGroup);
        } else {
            end_length(out, start);
        }
    }
    Ok(())
}

/// Returns the JSON of a value whose text is this: a string, except for booleans.
fn json_of(types: &Types, field: &Field, text: &str) -> Parsed<String> {
    let is_bool = match (field.shape, field.kind) {
        (Shape::Map { .. }, _) => return Err(Fault::new(0, "a map has no text")),
        (_, Kind::Bool) => true,
        (_, Kind::Message(id)) => match types.message(id).well_known {
            Some(WellKnown::Wrapper(kind)) => kind == Kind::Bool,
            Some(WellKnown::Duration | WellKnown::FieldMask | WellKnown::Timestamp) => false,
            _ => {
                let reason = format!("`{}` has no text: name one of its fields", types.name(id));
                return Err(Fault::new(0, reason));
            }
        },
        // Numbers of enumerations are no names.
        (_, Kind::Enum(_)) => {
            text.bytes().next().is_some_and(|first| first == b'-' || first.is_ascii_digit())
        }
        _ => false,
    };
    if is_bool {
        return Ok(text.to_owned());
    }
    let mut json = Vec::with_capacity(text.len() + 2);
    text::write_string(&mut json, text);
    String::from_utf8(json).map_err(|_| Fault::new(0, "the text is not UTF-8"))
}
