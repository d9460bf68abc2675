//! Numbers, strings, bytes and enumerations.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::{Fault, Parsed};
use super::lexer::number_length;
use super::number;
use super::parser::Parser;
use crate::schema::kind::{EnumId, Kind};
use crate::text::excerpt;
use crate::wire::{write_bytes, write_varint};

const EITHER_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

/// What a value is to its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The default value of its type.
    Default,
    Value,
    /// An unknown name of an enumeration, which is ignored. Nothing was written.
    Nothing,
}

impl Written {
    fn default_if(is_default: bool) -> Self {
        if is_default { Self::Default } else { Self::Value }
    }
}

/// A key of a map, to compare it with others.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum MapKey<'a> {
    Number(i128),
    Bool(bool),
    String(Cow<'a, str>),
}

/// Reads a value and writes it without its tag.
pub(super) fn scalar(parser: &mut Parser<'_>, kind: Kind) -> Parsed<Written> {
    match kind {
        Kind::Double => double(parser).map(|value| {
            parser.out.extend_from_slice(&value.to_le_bytes());
            Written::default_if(value.to_bits() == 0)
        }),
        Kind::Float => float(parser).map(|value| {
            parser.out.extend_from_slice(&value.to_le_bytes());
            Written::default_if(value.to_bits() == 0)
        }),
        Kind::Bool => {
            let value = boolean(parser)?;
            parser.out.push(u8::from(value));
            Ok(Written::default_if(!value))
        }
        Kind::String => {
            let string = parser.lexer.string()?;
            write_bytes(&mut parser.out, string.as_bytes());
            Ok(Written::default_if(string.is_empty()))
        }
        Kind::Bytes => {
            parser.lexer.peek();
            let at = parser.lexer.at();
            let text = parser.lexer.string()?;
            let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
            let bytes = engine.decode(text.as_bytes()).map_err(|_| {
                Fault::new(at, format!("expected bytes in base64, found \"{}\"", excerpt(&text)))
            })?;
            write_bytes(&mut parser.out, &bytes);
            Ok(Written::default_if(bytes.is_empty()))
        }
        Kind::Enum(id) => enumeration(parser, id),
        Kind::NullValue => {
            let names = parser.lexer.literal("null") || null_value(parser)?;
            if !names {
                return Err(parser.lexer.unexpected("`null`"));
            }
            parser.out.push(0);
            Ok(Written::Default)
        }
        Kind::Message(_) | Kind::Missing => {
            Err(Fault::new(parser.lexer.at(), "the schema does not have the type of this field"))
        }
        _ => {
            let value = integer(parser, kind)?;
            write_integer(&mut parser.out, kind, value);
            Ok(Written::default_if(value == 0))
        }
    }
}

fn boolean(parser: &mut Parser<'_>) -> Parsed<bool> {
    let names = if parser.is_untyped() { ["\"true\"", "\"false\""] } else { ["true", "false"] };
    let value = parser.lexer.literal(names[0]);
    if !value && !parser.lexer.literal(names[1]) {
        return Err(parser.lexer.unexpected("`true` or `false`"));
    }
    Ok(value)
}

/// Writes a map's key without its tag. `at` is its position.
pub(super) fn map_key<'a>(
    parser: &mut Parser<'_>,
    kind: Kind,
    key: Cow<'a, str>,
    at: usize,
) -> Parsed<MapKey<'a>> {
    match kind {
        Kind::String => {
            write_bytes(&mut parser.out, key.as_bytes());
            Ok(MapKey::String(key))
        }
        Kind::Bool => {
            let value = match &*key {
                "true" => true,
                "false" => false,
                _ => {
                    let reason = format!("expected a key \"true\" or \"false\", found \"{}\"", excerpt(&key));
                    return Err(Fault::new(at, reason));
                }
            };
            parser.out.push(u8::from(value));
            Ok(MapKey::Bool(value))
        }
        _ => {
            let value = integer_from(kind, &key).ok_or_else(|| {
                Fault::new(at, format!("expected {}, found \"{}\"", name(kind), excerpt(&key)))
            })?;
            write_integer(&mut parser.out, kind, value);
            Ok(MapKey::Number(value))
        }
    }
}

/// Reads a number that has a value in 64 bits, or one of the three names of values that are no numbers.
pub(super) fn double(parser: &mut Parser<'_>) -> Parsed<f64> {
    floating(parser, "a number", f64::is_finite, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
}

fn float(parser: &mut Parser<'_>) -> Parsed<f32> {
    floating(
        parser,
        "a number in the range of float",
        f32::is_finite,
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY],
    )
}

fn floating<T: std::str::FromStr + Copy>(
    parser: &mut Parser<'_>,
    expected: &str,
    is_finite: fn(T) -> bool,
    [nan, infinity, negative_infinity]: [T; 3],
) -> Parsed<T> {
    let (text, at) = number_text(parser, expected)?;
    let value = match &*text {
        "NaN" => Some(nan),
        "Infinity" => Some(infinity),
        "-Infinity" => Some(negative_infinity),
        // The range is that of the type: a larger number would become infinite.
        text => is_number(text).then(|| text.parse().ok()).flatten().filter(|value| is_finite(*value)),
    };
    value.ok_or_else(|| Fault::new(at, format!("expected {expected}, found {}", excerpt(&text))))
}

fn integer(parser: &mut Parser<'_>, kind: Kind) -> Parsed<i128> {
    let (text, at) = number_text(parser, name(kind))?;
    integer_from(kind, &text)
        .ok_or_else(|| Fault::new(at, format!("expected {}, found {}", name(kind), excerpt(&text))))
}

fn integer_from(kind: Kind, text: &str) -> Option<i128> {
    let (min, max) = match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        Kind::Uint32 | Kind::Fixed32 => (0, i128::from(u32::MAX)),
        Kind::Uint64 | Kind::Fixed64 => (0, i128::from(u64::MAX)),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let value = is_number(text).then(|| number::integer(text)).flatten()?;
    (min..=max).contains(&value).then_some(value)
}

/// Writes an integer that is in the range of its type.
fn write_integer(out: &mut Vec<u8>, kind: Kind, value: i128) {
    // The low 64 bits are two's complement.
    let bits = value as u64;
    match kind {
        Kind::Sint32 | Kind::Sint64 => {
            let signed = value as i64;
            write_varint(out, ((signed << 1) ^ (signed >> 63)) as u64);
        }
        Kind::Fixed32 | Kind::Sfixed32 => out.extend_from_slice(&(bits as u32).to_le_bytes()),
        Kind::Fixed64 | Kind::Sfixed64 => out.extend_from_slice(&bits.to_le_bytes()),
        _ => write_varint(out, bits),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "an integer of 32 bits",
        Kind::Uint32 | Kind::Fixed32 => "an unsigned integer of 32 bits",
        Kind::Uint64 | Kind::Fixed64 => "an unsigned integer of 64 bits",
        _ => "an integer of 64 bits",
    }
}

/// Reads a number or a string, which may have the number in it. Returns its text and position.
fn number_text<'a>(parser: &mut Parser<'a>, expected: &str) -> Parsed<(Cow<'a, str>, usize)> {
    let lexer = &mut parser.lexer;
    match lexer.peek() {
        Some(b'"') => {
            let at = lexer.at();
            Ok((lexer.string()?, at))
        }
        Some(b'-' | b'0'..=b'9') => {
            let at = lexer.at();
            Ok((Cow::Borrowed(lexer.number()?), at))
        }
        _ => Err(lexer.unexpected(expected)),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && number_length(text.as_bytes()) == text.len()
}

fn enumeration(parser: &mut Parser<'_>, id: EnumId) -> Parsed<Written> {
    let number = match parser.lexer.peek() {
        Some(b'"') => {
            let at = parser.lexer.at();
            let name = parser.lexer.string()?;
            match parser.types.enumeration(id).number(&name) {
                Some(number) => number,
                None if parser.is_lenient() => return Ok(Written::Nothing),
                None => {
                    let reason = format!("the enumeration has no value \"{}\"", excerpt(&name));
                    return Err(Fault::unknown(at, reason));
                }
            }
        }
        Some(b'-' | b'0'..=b'9') => {
            let value = integer(parser, Kind::Int32)?;
            value as i32
        }
        _ => return Err(parser.lexer.unexpected("a name or a number of the enumeration")),
    };
    write_varint(&mut parser.out, i64::from(number) as u64);
    Ok(Written::default_if(number == 0))
}

/// Reads `"NULL_VALUE"` or `0`.
fn null_value(parser: &mut Parser<'_>) -> Parsed<bool> {
    match parser.lexer.peek() {
        Some(b'"') => {
            let at = parser.lexer.at();
            let is_name = parser.lexer.string()? == "NULL_VALUE";
            if !is_name {
                parser.lexer.go_to(at);
            }
            Ok(is_name)
        }
        Some(b'0') => Ok(integer(parser, Kind::Int32)? == 0),
        _ => Ok(false),
    }
}
