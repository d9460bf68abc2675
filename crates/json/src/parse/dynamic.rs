//! `google.protobuf.Struct`, `Value` and `ListValue`: any JSON.

use std::collections::HashSet;

use super::error::{Fault, Parsed};
use super::lexer::too_deep;
use super::parser::Parser;
use super::scalar::double;
use crate::path::Step;
use crate::schema::kind::WireType;
use crate::text::excerpt;
use crate::wire::write_bytes;

/// Reads a `Value`: null, a number, a string, a boolean, an object or an array.
pub(super) fn value(parser: &mut Parser<'_>, depth: u32) -> Parsed<()> {
    match parser.lexer.peek() {
        Some(b'{') => parser.length_prefixed(5, |parser| object(parser, depth)),
        Some(b'[') => parser.length_prefixed(6, |parser| list(parser, depth)),
        Some(b'"') => {
            parser.tag(3, WireType::Length);
            let string = parser.lexer.string()?;
            write_bytes(&mut parser.out, string.as_bytes());
            Ok(())
        }
        Some(b'-' | b'0'..=b'9') => {
            parser.tag(2, WireType::Fixed64);
            let number = double(parser)?;
            parser.out.extend_from_slice(&number.to_le_bytes());
            Ok(())
        }
        _ if parser.lexer.literal("null") => {
            parser.tag(1, WireType::Varint);
            parser.out.push(0);
            Ok(())
        }
        _ => {
            let is_true = parser.lexer.literal("true");
            if !is_true && !parser.lexer.literal("false") {
                return Err(parser.lexer.unexpected("a value"));
            }
            parser.tag(4, WireType::Varint);
            parser.out.push(u8::from(is_true));
            Ok(())
        }
    }
}

/// Reads a `Struct`: an object.
pub(super) fn object(parser: &mut Parser<'_>, depth: u32) -> Parsed<()> {
    parser.lexer.expect(b'{', "an object")?;
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(parser.lexer.at()))?;
    let mut keys = HashSet::new();
    let mut first = true;
    while let Some(key) = parser.lexer.next_key(&mut first)? {
        parser
            .length_prefixed(1, |parser| {
                parser.tag(1, WireType::Length);
                write_bytes(&mut parser.out, key.as_bytes());
                parser.length_prefixed(2, |parser| value(parser, depth))
            })
            .map_err(|fault| fault.within(Step::Key(excerpt(&key))))?;
        parser.check_size()?;
        if keys.contains(&key) {
            return Err(Fault::new(
                parser.lexer.key_at(),
                format!("the key \"{}\" is there twice", excerpt(&key)),
            ));
        }
        keys.insert(key);
    }
    Ok(())
}

/// Reads a `ListValue`: an array.
pub(super) fn list(parser: &mut Parser<'_>, depth: u32) -> Parsed<()> {
    parser.lexer.expect(b'[', "an array")?;
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(parser.lexer.at()))?;
    let mut first = true;
    let mut index = 0;
    while parser.lexer.next_element(&mut first)? {
        parser
            .length_prefixed(1, |parser| value(parser, depth))
            .map_err(|fault| fault.within(Step::Index(index)))?;
        parser.check_size()?;
        index += 1;
    }
    Ok(())
}
