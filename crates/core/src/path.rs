//! Paths of gRPC calls: `/package.Service/Method`.

/// Returns the service that the path of a gRPC call names, or `None` if the path is not exactly `/Service/Method`.
///
/// The path is read as it was sent. A path with a percent-encoded byte names no service, so that each method has
/// exactly one path.
///
/// ```
/// use drawbridge_core::path::service_of;
///
/// assert_eq!(service_of("/greet.Greeter/SayHello"), Some("greet.Greeter"));
/// assert_eq!(service_of("/greet.Greeter/Say%48ello"), None);
/// ```
pub fn service_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let mut part = 0;
    let mut slash = None;
    // One pass, which does nothing for a letter: the path of every request is read.
    for (index, byte) in path.bytes().enumerate() {
        if LETTERS[usize::from(byte)] {
            continue;
        }
        let is_separator = byte == b'.' || (byte == b'/' && slash.is_none());
        if !is_separator || index == part {
            return None;
        }
        if byte == b'/' {
            slash = Some(index);
        }
        part = index + 1;
    }
    slash.filter(|_| part < path.len()).map(|slash| &path[..slash])
}

/// Returns whether a package, a service or a method can have this name: parts of ASCII letters, digits and underscores,
/// with one dot between two parts.
pub fn is_name(name: &str) -> bool {
    let mut in_part = false;
    let ok = name.bytes().all(|byte| {
        let letter = LETTERS[usize::from(byte)];
        let fits = letter || (in_part && byte == b'.');
        in_part = letter;
        fits
    });
    ok && in_part
}

/// The bytes that a part of a name may have. A table, because the path of every request is checked with it.
const LETTERS: [bool; 256] = {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        letters[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    letters
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_exact_path_names_a_service() {
        assert_eq!(service_of("/greet.Greeter/SayHello"), Some("greet.Greeter"));
        assert_eq!(service_of("/Message/Stream"), Some("Message"));
        for path in [
            "",
            "/",
            "/Message",
            "/Message/",
            "//Stream",
            "/Message/Stream/",
            "Message/Stream",
            "/a/b/c",
            "/a-b/c",
            "/a/%62",
            "/../a",
            "/./a",
            "/.a/b",
            "/a./b",
            "/a..b/c",
            "/a/b.",
        ] {
            assert_eq!(service_of(path), None, "{path}");
        }
    }

    #[test]
    fn fuzz_the_table_of_letters_and_the_grammar_say_the_same() {
        let check = bolero::check!().with_type::<Vec<u8>>();
        check.with_iterations(50_000).for_each(|bytes| {
            let pick =
                |byte: &u8| char::from(b"aZ_9./%-".get(usize::from(byte % 9)).copied().unwrap_or(*byte));
            let path: String = bytes.iter().map(pick).collect();
            let name = |name: &str| {
                name.split('.').all(|part| {
                    !part.is_empty()
                        && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                })
            };
            let parts: Vec<_> = path.split('/').collect();
            let service = match parts[..] {
                ["", service, method] if name(service) && name(method) => Some(service),
                _ => None,
            };
            assert_eq!(service_of(&path), service, "{path:?}");
        });
    }
}
