//! Finds the `@type` of an `Any`, which may be any of its members.

use std::collections::HashMap;

use super::error::Parsed;
use super::lexer::Lexer;

/// The key of the type's URL.
pub(super) const TYPE: &str = "@type";

/// Where the types of the objects are that were read ahead.
///
/// Each part of the text is read ahead once: otherwise `Any`s in `Any`s would cost the text's length times their depth.
#[derive(Default)]
pub(super) struct AnyTypes {
    /// The positions of objects, with the positions of their types.
    known: HashMap<usize, usize>,
    read_to: usize,
}

impl AnyTypes {
    /// Returns the position of the type of the object that is next, if it has one.
    pub(super) fn find(&mut self, lexer: &mut Lexer<'_>, depth: u32) -> Parsed<Option<usize>> {
        lexer.peek();
        let object = lexer.at();
        if object >= self.read_to {
            let known = &mut self.known;
            // Arrays count here, and elsewhere only those of a `ListValue`.
            lexer.skip(2 * depth, &mut |object, key, value| {
                if key == TYPE {
                    known.entry(object).or_insert(value);
                }
            })?;
            self.read_to = lexer.at();
            lexer.go_to(object);
        }
        Ok(self.known.get(&object).copied())
    }
}
