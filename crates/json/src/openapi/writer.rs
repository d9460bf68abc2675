//! Writes JSON text.

use crate::text;

/// Writes objects and arrays. Commas are set between members.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Writes an object whose members `members` writes.
    pub(super) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.value();
        self.out.push(b'{');
        members(self);
        self.out.push(b'}');
    }

    /// Writes an array whose elements `elements` writes.
    pub(super) fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.value();
        self.out.push(b'[');
        elements(self);
        self.out.push(b']');
    }

    /// Writes a key. Its value follows.
    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.value();
        text::write_string(&mut self.out, key);
        self.out.push(b':');
        self
    }

    /// Writes a string.
    pub(super) fn string(&mut self, text: &str) {
        self.value();
        text::write_string(&mut self.out, text);
    }

    /// Writes JSON that is there as text.
    pub(super) fn raw(&mut self, json: &str) {
        self.value();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// Returns what was written.
    pub(super) fn finish(self) -> String {
        String::from_utf8(self.out).unwrap_or_default()
    }

    /// Writes a comma if something stands before.
    fn value(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }
}
