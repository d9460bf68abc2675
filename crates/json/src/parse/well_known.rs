//! Well-known types whose JSON is a string or a number.

use super::error::{Fault, Parsed};
use super::parser::Parser;
use super::scalar::{Written, scalar};
use crate::schema::kind::{Kind, WireType};
use crate::text::excerpt;
use crate::wire::{write_bytes, write_varint};
use crate::{duration, field_mask, timestamp};

/// Reads `google.protobuf.Timestamp`.
pub(super) fn timestamp(parser: &mut Parser<'_>) -> Parsed<()> {
    let expected = "a timestamp such as \"2006-01-02T15:04:05Z\", of the years 1 to 9999";
    seconds_and_nanos(parser, expected, timestamp::parse)
}

/// Reads `google.protobuf.Duration`.
pub(super) fn duration(parser: &mut Parser<'_>) -> Parsed<()> {
    seconds_and_nanos(
        parser,
        "a duration in seconds such as \"1.5s\", of at most 315,576,000,000 s",
        duration::parse,
    )
}

fn seconds_and_nanos(
    parser: &mut Parser<'_>,
    expected: &str,
    parse: fn(&str) -> Option<(i64, i32)>,
) -> Parsed<()> {
    if parser.lexer.peek() != Some(b'"') {
        return Err(parser.lexer.unexpected(expected));
    }
    let at = parser.lexer.at();
    let text = parser.lexer.string()?;
    let (seconds, nanos) = parse(&text)
        .ok_or_else(|| Fault::new(at, format!("expected {expected}, found \"{}\"", excerpt(&text))))?;
    for (number, value) in [(1, seconds), (2, i64::from(nanos))] {
        if value != 0 {
            parser.tag(number, WireType::Varint);
            write_varint(&mut parser.out, value as u64);
        }
    }
    Ok(())
}

/// Reads `google.protobuf.FieldMask`.
pub(super) fn field_mask(parser: &mut Parser<'_>) -> Parsed<()> {
    if parser.lexer.peek() != Some(b'"') {
        return Err(parser.lexer.unexpected("a string of paths in camel case"));
    }
    let at = parser.lexer.at();
    let text = parser.lexer.string()?;
    if text.is_empty() {
        return Ok(());
    }
    for path in text.split(',') {
        let path = field_mask::parse_path(path).ok_or_else(|| {
            Fault::new(at, format!("expected paths in camel case, found \"{}\"", excerpt(path)))
        })?;
        parser.tag(1, WireType::Length);
        write_bytes(&mut parser.out, path.as_bytes());
    }
    Ok(())
}

/// Reads a wrapper, such as `google.protobuf.Int32Value`.
pub(super) fn wrapper(parser: &mut Parser<'_>, kind: Kind) -> Parsed<()> {
    let start = parser.out.len();
    parser.tag(1, kind.wire_type());
    if scalar(parser, kind)? == Written::Default {
        parser.out.truncate(start);
    }
    Ok(())
}
