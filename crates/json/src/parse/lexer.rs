//! Reads JSON text (RFC 8259) value by value.
//!
//! A deserializer of `serde` reads forward only. The translation goes back for the `@type` of an `Any`, which may be its last
//! member, needs the digits of numbers, and names the place of each error.

use std::borrow::Cow;

use super::error::{Fault, Parsed};
use crate::text::excerpt;
use crate::wire::MAX_DEPTH;

/// Reads a text from its start.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    key_at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, key_at: 0 }
    }

    /// Returns the position in the text.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns the position of the last key that was read.
    pub(super) fn key_at(&self) -> usize {
        self.key_at
    }

    /// Continues at a position that [`Lexer::at`] returned.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Returns the next byte that is no white space, without reading it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Makes an error at the next value, which is not what was expected.
    pub(super) fn unexpected(&mut self, expected: &str) -> Fault {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(_) => {
                let rest = &self.text[self.at..];
                let is_delimiter =
                    |letter: char| matches!(letter, ',' | ']' | '}' | ':' | ' ' | '\n' | '\r' | '\t');
                // A delimiter that should not be here is shown by itself.
                let end = match rest.strip_prefix('"') {
                    Some(string) => string.find('"').map(|end| end + 2),
                    None => rest
                        .char_indices()
                        .skip(1)
                        .find(|(_, letter)| is_delimiter(*letter))
                        .map(|(end, _)| end),
                };
                let token = &rest[..end.unwrap_or(rest.len())];
                excerpt(token)
            }
        };
        Fault::new(self.at, format!("expected {expected}, found {found}"))
    }

    /// Reads a byte that must be there.
    pub(super) fn expect(&mut self, byte: u8, expected: &str) -> Parsed<()> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads to the next key of an object whose `{` was read, and over the colon behind it. Returns `None` at its end.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Parsed<Option<Cow<'a, str>>> {
        if self.peek() == Some(b'}') && *first {
            self.at += 1;
            return Ok(None);
        }
        if !std::mem::take(first) {
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(None);
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        self.key_at = self.at;
        let key = self.string()?;
        self.expect(b':', "`:` behind a key")?;
        Ok(Some(key))
    }

    /// Reads to the next element of an array whose `[` was read. Returns `false` at its end.
    pub(super) fn next_element(&mut self, first: &mut bool) -> Parsed<bool> {
        match (self.peek(), std::mem::take(first)) {
            (Some(b']'), _) => {
                self.at += 1;
                Ok(false)
            }
            (_, true) => Ok(true),
            (Some(b','), false) => {
                self.at += 1;
                // `[1,]`
                if self.peek() == Some(b']') { Err(self.unexpected("a value")) } else { Ok(true) }
            }
            _ => Err(self.unexpected("`,` or `]`")),
        }
    }

    /// Reads a literal if it is next.
    pub(super) fn literal(&mut self, literal: &str) -> bool {
        self.peek();
        let found = self.text.as_bytes()[self.at..].starts_with(literal.as_bytes());
        let end = self.at + literal.len();
        let ends = !self.text.as_bytes().get(end).is_some_and(u8::is_ascii_alphanumeric);
        if found && ends {
            self.at = end;
        }
        found && ends
    }

    /// Reads a number, and returns its text.
    pub(super) fn number(&mut self) -> Parsed<&'a str> {
        self.peek();
        let rest = &self.text[self.at..];
        let length = number_length(rest.as_bytes());
        let more =
            rest.as_bytes().get(length).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
        if length == 0 || more {
            return Err(self.unexpected("a number"));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    /// Reads a string whose `"` is next.
    pub(super) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        match self.run()? {
            b'"' => {
                self.at += 1;
                Ok(Cow::Borrowed(&self.text[start..self.at - 1]))
            }
            _ => self.string_with_escapes(start).map(Cow::Owned),
        }
    }

    /// Reads over a value of any type, which is at `depth`. Calls `member` with the position of each object, its keys, and the
    /// position of the key's value.
    pub(super) fn skip(&mut self, depth: u32, member: &mut dyn FnMut(usize, &str, usize)) -> Parsed<()> {
        match self.peek() {
            Some(b'{' | b'[') if depth == 0 => Err(too_deep(self.at)),
            Some(b'{') => {
                let object = self.at;
                self.at += 1;
                let mut first = true;
                while let Some(key) = self.next_key(&mut first)? {
                    self.peek();
                    member(object, &key, self.at);
                    self.skip(depth - 1, member)?;
                }
                Ok(())
            }
            Some(b'[') => {
                self.at += 1;
                let mut first = true;
                while self.next_element(&mut first)? {
                    self.skip(depth - 1, member)?;
                }
                Ok(())
            }
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            _ if ["null", "true", "false"].into_iter().any(|literal| self.literal(literal)) => Ok(()),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Reads characters of a string that stand for themselves. Returns the byte behind them: `"` or `\`.
    fn run(&mut self) -> Parsed<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let length =
            rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.at += length;
        match rest.get(length) {
            Some(byte @ (b'"' | b'\\')) => Ok(*byte),
            Some(_) => Err(Fault::new(self.at, "a control character in a string must be escaped")),
            None => Err(Fault::new(self.at, "the text ends within a string")),
        }
    }

    fn string_with_escapes(&mut self, start: usize) -> Parsed<String> {
        let mut string = self.text[start..self.at].to_owned();
        loop {
            let from = self.at;
            let end = self.run()?;
            string.push_str(&self.text[from..self.at]);
            self.at += 1;
            if end == b'"' {
                return Ok(string);
            }
            string.push(self.escape()?);
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Parsed<char> {
        let backslash = self.at - 1;
        let letter = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(backslash),
            _ => return Err(Fault::new(backslash, "an escape that JSON does not have")),
        })
    }

    /// Reads the digits of `\uXXXX`, and the second half of a pair.
    fn unicode_escape(&mut self, backslash: usize) -> Parsed<char> {
        let first = self.four_digits(backslash)?;
        let code = match first {
            0xd800..0xdc00 => {
                let second = self.text.as_bytes()[self.at..].starts_with(b"\\u").then(|| {
                    self.at += 2;
                    self.four_digits(backslash)
                });
                match second.transpose()? {
                    Some(second @ 0xdc00..0xe000) => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => first,
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| Fault::new(backslash, "half of a surrogate pair"))
    }

    fn four_digits(&mut self, backslash: usize) -> Parsed<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
        });
        self.at += 4;
        value.ok_or_else(|| Fault::new(backslash, "`\\u` needs four hexadecimal digits"))
    }
}

/// Makes the error of a value that is nested too deep.
pub(super) fn too_deep(at: usize) -> Fault {
    Fault::new(at, format!("nested more than {MAX_DEPTH} deep"))
}

/// Returns the length of the number at the start of a text, or 0 if there is none.
pub(super) fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    at += match text.get(at) {
        Some(b'0') => 1,
        Some(b'1'..=b'9') => digits(at),
        _ => return 0,
    };
    if text.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            count => at += 1 + count,
        }
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            count => at += 1 + sign + count,
        }
    }
    at
}
