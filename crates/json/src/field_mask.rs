//! `google.protobuf.FieldMask` as text: paths in camel case, with commas between them.

use crate::text;

/// Returns a path as contracts write it, or `None` if it is not in camel case.
pub(crate) fn parse_path(camel: &str) -> Option<String> {
    let mut path = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter == '_' {
            return None;
        }
        if letter.is_ascii_uppercase() {
            path.push('_');
        }
        path.push(letter.to_ascii_lowercase());
    }
    Some(path)
}

/// Returns a path as JSON writes it, or `None` if the path cannot be read back.
pub(crate) fn write_path(path: &str) -> Option<String> {
    let camel = text::camel_case(path);
    (parse_path(&camel).as_deref() == Some(path)).then_some(camel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_in_both_directions() {
        for (path, camel) in [("foo_bar", "fooBar"), ("a.b_c", "a.bC"), ("", "")] {
            assert_eq!(parse_path(camel).as_deref(), Some(path));
            assert_eq!(write_path(path).as_deref(), Some(camel));
        }
    }

    #[test]
    fn paths_that_would_not_come_back_are_rejected() {
        for path in ["fooBar", "foo__bar", "foo_", "foo_3_bar"] {
            assert_eq!(write_path(path), None, "{path}");
        }
        assert_eq!(parse_path("foo_bar"), None);
    }
}
