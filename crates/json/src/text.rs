//! Strings in JSON, and names of fields.

/// Writes a string in quotes. Quotes, backslashes and control characters are escaped (RFC 8259, section 7).
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0..=0x1f => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
            out.extend_from_slice(&[b'0', b'0', digit(byte >> 4), digit(*byte)]);
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// Returns the name in JSON of a field that declares none, as protoc derives it: each underscore is left out, and the letter
/// behind it is a capital.
pub(crate) fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut capital = false;
    for letter in name.chars() {
        if letter == '_' {
            capital = true;
        } else {
            camel.push(if capital { letter.to_ascii_uppercase() } else { letter });
            capital = false;
        }
    }
    camel
}

/// Returns the start of a text that a client sent, short enough for a message about it.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX: usize = 40;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_escaped_is_escaped() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"\\/\u{1}\u{1f}\n\u{7f}é\u{2028}</");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\\\/\\u0001\\u001f\\n\u{7f}é\u{2028}</\"");
    }

    #[test]
    fn names_are_derived_as_protoc_does() {
        for (name, json) in [
            ("foo_bar", "fooBar"),
            ("_foo", "Foo"),
            ("foo__bar", "fooBar"),
            ("field_0_name", "field0Name"),
            ("FOO_BAR", "FOOBAR"),
            ("foo_", "foo"),
        ] {
            assert_eq!(camel_case(name), json);
        }
    }

    #[test]
    fn an_excerpt_ends_between_characters() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
    }
}
