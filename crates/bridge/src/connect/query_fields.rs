//! The fields of a message in a query.

use percent_encoding::percent_decode_str;
use tonic::Code;

use super::error::ConnectError;
use super::json_text::{push_key, push_string};

/// How deep the messages in a query may be nested.
const MAX_DEPTH: usize = 32;

/// How many fields a query may have.
const MAX_FIELDS: usize = 1_000;

/// The values of a query as a tree: `a.b=1` is the field `b` of the message in the field `a`.
#[derive(Debug)]
enum Node {
    /// The values of a name, as text.
    Values(Vec<String>),
    Fields(Vec<(String, Node)>),
}

/// Returns the message in a query as JSON: each value is a string, a name that comes more than once is a list, and a dot leads into
/// a nested message. What type a field has, the reader of the JSON knows.
///
/// Names with a hyphen are left out: no field has one.
///
/// # Errors
///
/// Returns the error of the call if the query is malformed.
pub(super) fn to_json(query: &str) -> Result<String, ConnectError> {
    if query.split('&').count() > MAX_FIELDS {
        return Err(invalid(format!("the query has more than {MAX_FIELDS} fields")));
    }
    let mut root = Vec::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.contains('-') {
            continue;
        }
        if name.split('.').count() > MAX_DEPTH {
            return Err(invalid(format!("{name:?} in the query is nested too deeply")));
        }
        insert(&mut root, &name, &name, value)?;
    }
    let mut json = String::new();
    push_fields(&mut json, &root);
    Ok(json)
}

/// Inserts a value. `path` is what is left of `name`.
fn insert(
    fields: &mut Vec<(String, Node)>,
    name: &str,
    path: &str,
    value: String,
) -> Result<(), ConnectError> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first.is_empty() {
        return Err(invalid(format!("{name:?} in the query is no name of a field")));
    }
    let index = fields.iter().position(|(known, _)| known == first).unwrap_or_else(|| {
        let node = if rest.is_some() { Node::Fields(Vec::new()) } else { Node::Values(Vec::new()) };
        fields.push((first.to_owned(), node));
        fields.len() - 1
    });
    match (&mut fields[index].1, rest) {
        (Node::Values(values), None) => {
            values.push(value);
            Ok(())
        }
        (Node::Fields(fields), Some(rest)) => insert(fields, name, rest, value),
        _ => Err(invalid(format!("{name:?} in the query is both a value and a message"))),
    }
}

fn push_fields(json: &mut String, fields: &[(String, Node)]) {
    json.push('{');
    for (name, node) in fields {
        push_key(json, name);
        match node {
            Node::Fields(fields) => push_fields(json, fields),
            Node::Values(values) => push_values(json, values),
        }
    }
    json.push('}');
}

fn push_values(json: &mut String, values: &[String]) {
    if let [value] = values {
        return push_string(json, value);
    }
    json.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_string(json, value);
    }
    json.push(']');
}

fn decode(text: &str) -> Result<String, ConnectError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned);
    decoded.map_err(|_| invalid(format!("{text:?} in the query is not UTF-8")))
}

fn invalid(message: String) -> ConnectError {
    ConnectError::new(Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_a_message_of_strings() {
        for (query, json) in [
            ("", "{}"),
            ("key=k1", r#"{"key":"k1"}"#),
            ("a=1&b=x+y%20z&a=2&grpc-timeout=5S", r#"{"a":["1","2"],"b":"x y z"}"#),
            ("a.b.c=1&a.d=%22&e", r#"{"a":{"b":{"c":"1"},"d":"\""},"e":""}"#),
            ("&&a=&", r#"{"a":""}"#),
        ] {
            assert_eq!(to_json(query).unwrap(), json, "{query}");
        }
    }

    #[test]
    fn malformed_queries_are_invalid_arguments() {
        let deep = format!("{}a=1", "a.".repeat(MAX_DEPTH));
        let many = "a&".repeat(MAX_FIELDS);
        for query in
            ["=1", "a..b=1", ".a=1", "a.=1", "a=1&a.b=1", "a.b=1&a=1", "a=%ff", "%ff=1", &deep, &many]
        {
            let error = to_json(query).expect_err(query).to_json();
            assert!(error.contains("invalid_argument"), "{error}");
        }
    }

    #[test]
    fn fuzz_any_query_is_an_error_or_json_with_all_of_its_values() {
        const PIECES: [&str; 10] = ["a", "b", ".", "&", "=", "%22", "%5c", "+", "%00", "-"];
        let check = bolero::check!().with_type::<(Vec<u8>, String)>();
        check.with_iterations(20_000).for_each(|(pieces, noise)| {
            let pieces: String =
                pieces.iter().map(|piece| PIECES[usize::from(*piece) % PIECES.len()]).collect();
            let Ok(json) = to_json(&(pieces + noise)) else { return };
            let bytes = json.as_bytes();
            // Outside of strings there is structure only, and it is closed.
            let (mut depth, mut in_string, mut index) = (0_i32, false, 0);
            while index < bytes.len() {
                match bytes[index] {
                    b'\\' if in_string => index += 1,
                    b'"' => in_string = !in_string,
                    byte if in_string => assert!(byte >= 0x20, "{json}"),
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    byte => assert!(b",:".contains(&byte), "{json}"),
                }
                index += 1;
            }
            assert!(depth == 0 && !in_string, "{json}");
        });
    }
}
