//! Path templates, such as `/v1/{name=shelves/*}/books:list`.

use std::fmt;

/// A path template of `google.api.http`
/// ([the grammar](https://github.com/googleapis/googleapis/blob/master/google/api/http.proto)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    pub(super) segments: Vec<Segment>,
    pub(super) variables: Vec<Variable>,
    pub(super) verb: Option<Box<str>>,
}

/// A part of a template between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Box<str>),
    /// `*`: any one segment.
    One,
    /// `**`: any number of segments, also none. It is the last one.
    Rest,
}

/// A variable: the field that segments of the path are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// The path of the field, such as `book.name`.
    pub(super) field: Box<str>,
    /// The indices of its segments.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The text is not a path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    template: String,
    reason: &'static str,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not a path template: {}", self.template, self.reason)
    }
}

impl std::error::Error for TemplateError {}

impl PathTemplate {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not a template.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut template = Self { segments: Vec::new(), variables: Vec::new(), verb: None };
        match template.read(text) {
            Ok(()) => Ok(template),
            Err(reason) => Err(TemplateError { template: text.to_owned(), reason }),
        }
    }

    /// Returns the paths of the fields that are in the path.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| &*variable.field)
    }

    fn read(&mut self, text: &str) -> Result<(), &'static str> {
        let mut rest = text.strip_prefix('/').ok_or("it begins with a slash")?;
        loop {
            rest = self.segment(rest)?;
            match rest.as_bytes().first() {
                None => break,
                Some(b'/') => rest = &rest[1..],
                Some(b':') => {
                    let verb = &rest[1..];
                    if !is_literal(verb) {
                        return Err("a verb is letters, digits and other characters of a path");
                    }
                    self.verb = Some(verb.into());
                    break;
                }
                Some(_) => return Err("a variable or a wildcard is a whole segment"),
            }
        }
        let is_last = |at: usize| at + 1 == self.segments.len();
        if self.segments.iter().enumerate().any(|(at, segment)| *segment == Segment::Rest && !is_last(at)) {
            return Err("`**` is the last segment");
        }
        Ok(())
    }

    /// Reads a segment or a variable. Returns what follows.
    fn segment<'a>(&mut self, text: &'a str) -> Result<&'a str, &'static str> {
        let Some(inner) = text.strip_prefix('{') else { return self.plain_segment(text, &['/', ':']) };
        let (inner, rest) = inner.split_once('}').ok_or("a variable ends with `}`")?;
        let (field, pattern) = inner.split_once('=').unwrap_or((inner, "*"));
        let is_name = |name: &str| {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            !name.is_empty() && name.chars().all(is_letter) && !name.as_bytes()[0].is_ascii_digit()
        };
        if !field.split('.').all(is_name) {
            return Err("a variable is the path of a field, such as `book.name`");
        }
        let start = self.segments.len();
        for segment in pattern.split('/') {
            if !self.plain_segment(segment, &[])?.is_empty() {
                return Err("a variable has no verb");
            }
        }
        self.variables.push(Variable { field: field.into(), start, end: self.segments.len() });
        Ok(rest)
    }

    /// Reads a wildcard or a literal, up to one of `ends`. Returns what follows.
    fn plain_segment<'a>(&mut self, text: &'a str, ends: &[char]) -> Result<&'a str, &'static str> {
        let end = text.find(ends).unwrap_or(text.len());
        self.segments.push(match &text[..end] {
            "*" => Segment::One,
            "**" => Segment::Rest,
            literal if is_literal(literal) => Segment::Literal(literal.into()),
            _ => return Err("a segment is `*`, `**`, a variable, or characters of a path"),
        });
        Ok(&text[end..])
    }
}

/// Returns whether a text may be a segment of a path: unreserved characters, sub-delimiters and percent-encoding (RFC 3986, section 3.3).
fn is_literal(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=@%".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_parsed() {
        let template = PathTemplate::parse("/v1/{book.name=shelves/*/books/**}:list").unwrap();
        let literal = |text: &str| Segment::Literal(text.into());
        let expected = [literal("v1"), literal("shelves"), Segment::One, literal("books"), Segment::Rest];
        assert_eq!(template.segments, expected);
        assert_eq!(template.variables, [Variable { field: "book.name".into(), start: 1, end: 5 }]);
        assert_eq!(template.verb.as_deref(), Some("list"));
        assert_eq!(
            PathTemplate::parse("/a/{b}/*").unwrap().segments,
            [literal("a"), Segment::One, Segment::One]
        );
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "a",
            "/",
            "//",
            "/a/",
            "/{",
            "/{}",
            "/{a",
            "/{a}b",
            "/a{b}",
            "/{a.}",
            "/{1a}",
            "/{a={b}}",
            "/**/a",
            "/{a=**}/b",
            "/a:",
            "/a:b:c",
            "/a:b/c",
            "/a b",
            "/{a=}",
            "/***",
            "/é",
            "/{a=x:y}",
        ] {
            assert!(PathTemplate::parse(text).is_err(), "{text}");
        }
        let error = PathTemplate::parse("/**/a").unwrap_err().to_string();
        assert_eq!(error, "\"/**/a\" is not a path template: `**` is the last segment");
    }

    #[test]
    fn fuzz_any_text_is_a_template_or_not() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|bytes| {
            let letters = b"/{}=*:.a_1%";
            let text: String =
                bytes.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect();
            if let Ok(template) = PathTemplate::parse(&text) {
                assert!(!template.segments.is_empty());
            }
        });
    }
}
