//! Finds the rule of a request.

use std::collections::HashMap;
use std::fmt;

use super::template::{PathTemplate, Segment};

/// Path templates, each with a value, by HTTP method and path.
///
/// If several templates match a path, a literal is preferred to `*`, and `*` to `**`, from the first segment on.
#[derive(Clone, Debug)]
pub struct HttpRoutes<T> {
    root: Node,
    routes: Vec<(PathTemplate, T)>,
}

/// A request that a template matches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpMatch<'a, T> {
    /// The value of the template.
    pub value: &'a T,
    /// The fields in the path, with their text, which is decoded. In a variable of several segments `%2F` stays as it is, since it is no
    /// slash between two of them.
    pub fields: Vec<(&'a str, String)>,
}

/// Two templates match the same requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConflict {
    method: String,
}

impl fmt::Display for HttpConflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "another method has the same path for {}", self.method)
    }
}

impl std::error::Error for HttpConflict {}

/// The templates that have a prefix in common.
#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    one: Option<Box<Node>>,
    rest: Option<Box<Node>>,
    /// The templates that end here, by HTTP method and verb.
    ends: HashMap<(Box<str>, Option<Box<str>>), usize>,
}

impl<T> Default for HttpRoutes<T> {
    fn default() -> Self {
        Self { root: Node::default(), routes: Vec::new() }
    }
}

impl<T> HttpRoutes<T> {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a template.
    ///
    /// # Errors
    ///
    /// Returns an error, and adds nothing, if there is a template that matches the same requests.
    pub fn add(&mut self, method: &str, template: PathTemplate, value: T) -> Result<(), HttpConflict> {
        let mut node = &mut self.root;
        for segment in &template.segments {
            node = match segment {
                Segment::Literal(literal) => node.literals.entry(literal.clone()).or_default(),
                Segment::One => node.one.get_or_insert_default(),
                Segment::Rest => node.rest.get_or_insert_default(),
            };
        }
        let key = (method.into(), template.verb.clone());
        if node.ends.contains_key(&key) {
            return Err(HttpConflict { method: method.to_owned() });
        }
        node.ends.insert(key, self.routes.len());
        self.routes.push((template, value));
        Ok(())
    }

    /// Returns the template that matches a request, by its HTTP method and its path as it was sent, without the query.
    ///
    /// `None` if there is none, or if the text of a field is not UTF-8 after decoding.
    pub fn find(&self, method: &str, path: &str) -> Option<HttpMatch<'_, T>> {
        let path = path.strip_prefix('/')?;
        // A colon in the last segment may begin a verb, or be part of the segment.
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        let with_verb =
            path[last..].rfind(':').map(|colon| (&path[..last + colon], Some(&path[last + colon + 1..])));
        with_verb.into_iter().chain([(path, None)]).find_map(|(path, verb)| {
            let segments: Vec<_> = path.split('/').collect();
            let end = (Box::from(method), verb.map(Box::from));
            let (template, value) = &self.routes[self.root.find(&segments, &end)?];
            let mut fields = Vec::with_capacity(template.variables.len());
            for variable in &template.variables {
                let has_rest = template.segments[variable.start..variable.end].contains(&Segment::Rest);
                let end = if has_rest { segments.len() } else { variable.end };
                let is_long = variable.end - variable.start > 1 || has_rest;
                let text = decode(&segments.get(variable.start..end)?.join("/"), is_long)?;
                fields.push((&*variable.field, text));
            }
            Some(HttpMatch { value, fields })
        })
    }
}

impl Node {
    /// Returns the index of the template that matches. Each node is visited once at most, whatever the path.
    fn find(&self, segments: &[&str], end: &(Box<str>, Option<Box<str>>)) -> Option<usize> {
        let Some((first, others)) = segments.split_first() else {
            let here = self.ends.get(end).copied();
            return here.or_else(|| self.rest.as_ref()?.ends.get(end).copied());
        };
        let literal = self.literals.get(*first).and_then(|node| node.find(others, end));
        literal
            .or_else(|| self.one.as_ref().filter(|_| !first.is_empty())?.find(others, end))
            .or_else(|| self.rest.as_ref()?.ends.get(end).copied())
    }
}

/// Decodes percent-encoding. `%2F` stays as it is if `keeps_slashes` is set.
fn decode(text: &str, keeps_slashes: bool) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digit = |at: usize| char::from(*others.get(at)?).to_digit(16);
        let byte = match first {
            b'%' => Some(u8::try_from(digit(0)? << 4 | digit(1)?).ok()?),
            _ => None,
        };
        match byte {
            Some(b'/') if keeps_slashes => decoded.extend_from_slice(&rest[..3]),
            Some(byte) => decoded.push(byte),
            None => decoded.push(*first),
        }
        rest = &rest[if byte.is_some() { 3 } else { 1 }..];
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(templates: &[&'static str]) -> HttpRoutes<&'static str> {
        let mut routes = HttpRoutes::new();
        for text in templates {
            let (method, template) = text.split_once(' ').unwrap();
            routes.add(method, PathTemplate::parse(template).unwrap(), *text).unwrap();
        }
        routes
    }

    #[test]
    fn the_most_literal_template_matches() {
        let routes = routes(&[
            "GET /v1/books/{id}",
            "GET /v1/books/new",
            "POST /v1/books/{id}",
            "GET /v1/{name=shelves/*/books/*}",
            "GET /v1/{name=**}",
            "GET /v1/books/{id}:publish",
            "GET /v1/{a}/{b}/x",
        ]);
        for (request, template, fields) in [
            ("GET /v1/books/7", "GET /v1/books/{id}", vec![("id", "7")]),
            ("POST /v1/books/7", "POST /v1/books/{id}", vec![("id", "7")]),
            ("GET /v1/books/new", "GET /v1/books/new", vec![]),
            ("GET /v1/books/7:publish", "GET /v1/books/{id}:publish", vec![("id", "7")]),
            ("GET /v1/books/7:other", "GET /v1/books/{id}", vec![("id", "7:other")]),
            (
                "GET /v1/shelves/1/books/2",
                "GET /v1/{name=shelves/*/books/*}",
                vec![("name", "shelves/1/books/2")],
            ),
            ("GET /v1/shelves/1/x", "GET /v1/{a}/{b}/x", vec![("a", "shelves"), ("b", "1")]),
            ("GET /v1/a/b/c/d", "GET /v1/{name=**}", vec![("name", "a/b/c/d")]),
            ("GET /v1", "GET /v1/{name=**}", vec![("name", "")]),
            ("GET /v1/books/a%20b%2Fc", "GET /v1/books/{id}", vec![("id", "a b/c")]),
            ("GET /v1/a/b%20%2Fc", "GET /v1/{name=**}", vec![("name", "a/b %2Fc")]),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            let found = routes.find(method, path).unwrap_or_else(|| panic!("{request}"));
            let found_fields: Vec<_> =
                found.fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
            assert_eq!((*found.value, found_fields), (template, fields), "{request}");
        }
        for request in
            ["PUT /v1/books/7", "GET /v2/books/7", "GET v1", "GET /v1/books/%ff", "GET /v1/books/%zz"]
        {
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(routes.find(method, path), None, "{request}");
        }
    }

    #[test]
    fn templates_of_the_same_requests_are_a_conflict() {
        let mut routes = routes(&["GET /v1/{a}/x"]);
        let error = routes.add("GET", PathTemplate::parse("/v1/{b=*}/x").unwrap(), "").unwrap_err();
        assert_eq!(error.to_string(), "another method has the same path for GET");
        assert!(routes.add("PUT", PathTemplate::parse("/v1/{b=*}/x").unwrap(), "").is_ok());
    }

    #[test]
    fn fuzz_any_path_is_found_or_not() {
        let routes = routes(&["GET /a/{x}", "GET /a/*/{y=b/**}", "GET /{z=**}:v", "GET /{w=*/a}:v"]);
        bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|bytes| {
            let letters = ["/", "a", "b", ":", ":v", "%2f", "%", "é"];
            let path: String = bytes.iter().map(|byte| letters[usize::from(*byte) % letters.len()]).collect();
            let _ = routes.find("GET", &path);
        });
    }
}
