//! Writes JSON.

use std::fmt::Write as _;

/// Appends a string, in quotes.
pub(super) fn push_string(to: &mut String, text: &str) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            // A string takes everything that is written to it.
            control if control < ' ' => drop(write!(to, "\\u{:04x}", u32::from(control))),
            other => to.push(other),
        }
    }
    to.push('"');
}

/// Appends a key and its colon, and a comma before it unless it is the first of its object.
pub(super) fn push_key(to: &mut String, key: &str) {
    if !to.ends_with('{') {
        to.push(',');
    }
    push_string(to, key);
    to.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_does_not_allow_in_strings_is_escaped() {
        let mut text = String::new();
        push_string(&mut text, "a \"b\" \\ c\n\r\t\0\u{1f}\u{7f} ü \u{2028}");
        assert_eq!(text, "\"a \\\"b\\\" \\\\ c\\n\\r\\t\\u0000\\u001f\u{7f} ü \u{2028}\"");
    }

    #[test]
    fn keys_are_separated_by_commas() {
        let mut text = "{".to_owned();
        for key in ["a", "b"] {
            push_key(&mut text, key);
            text.push('1');
        }
        assert_eq!(text, "{\"a\":1,\"b\":1");
    }
}
