//! The state of a translation to the wire.

use super::error::{Fault, Parsed};
use super::lexer::Lexer;
use super::options::{ParseOptions, UnknownFields};
use crate::schema::kind::WireType;
use crate::schema::types::Types;
use crate::wire;

/// Reads JSON and writes the wire format. What a field is written to is the end of `out`.
pub(super) struct Parser<'a> {
    pub(super) types: &'a Types,
    pub(super) lexer: Lexer<'a>,
    pub(super) out: Vec<u8>,
    options: ParseOptions,
}

impl<'a> Parser<'a> {
    pub(super) fn new(types: &'a Types, text: &'a str, options: ParseOptions) -> Self {
        Self {
            types,
            lexer: Lexer::new(text),
            out: Vec::with_capacity(text.len().min(options.max_bytes) / 2),
            options,
        }
    }

    /// Returns whether members of objects that have no field are skipped.
    pub(super) fn is_lenient(&self) -> bool {
        self.options.unknown_fields == UnknownFields::Ignore
    }

    /// Returns whether the values come from a text without types.
    pub(super) fn is_untyped(&self) -> bool {
        self.options.untyped
    }

    /// Fails if too much was written.
    pub(super) fn check_size(&self) -> Parsed<()> {
        if self.out.len() > self.options.max_bytes {
            return Err(Fault::too_large(self.lexer.at(), self.options.max_bytes));
        }
        Ok(())
    }

    pub(super) fn tag(&mut self, number: u32, wire_type: WireType) {
        wire::write_tag(&mut self.out, number, wire_type);
    }

    /// Writes a field with its length before it.
    pub(super) fn length_prefixed(
        &mut self,
        number: u32,
        content: impl FnOnce(&mut Self) -> Parsed<()>,
    ) -> Parsed<()> {
        self.tag(number, WireType::Length);
        let start = wire::begin_length(&mut self.out);
        content(self)?;
        wire::end_length(&mut self.out, start);
        Ok(())
    }
}
