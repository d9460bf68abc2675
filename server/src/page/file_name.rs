//! What the path of a file says about it.

/// Returns whether a path names a file rather than a view of the page: its last segment has a dot.
pub(super) fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|segment| segment.contains('.'))
}

/// Returns whether the name of a file has a hash of its content, as Trunk writes it: `name-0123456789abcdef.css`, or with
/// something after the hash, `name-0123456789abcdef_bg.wasm`. Such a file never changes.
pub(super) fn has_hash(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| {
        name.split('-').skip(1).any(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            digits >= 15 && part.as_bytes().get(digits).is_some_and(|next| matches!(next, b'.' | b'_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_dot_in_its_last_segment_names_a_file() {
        for path in ["/a.js", "/deep/icon.svg", "/.env"] {
            assert!(is_file(path), "{path}");
        }
        for path in ["/", "/streams", "/v1.2/streams"] {
            assert!(!is_file(path), "{path}");
        }
    }

    #[test]
    fn a_hash_is_recognized_by_its_length_and_place() {
        for path in [
            "/drawbridge-web-1f2e3d4c5b6a7988.js",
            "/x-1f2e3d4c5b6a7988_bg.wasm",
            "/base-81fbdc5e7c23ffa.css",
        ] {
            assert!(has_hash(path), "{path}");
        }
        for path in
            ["/index.html", "/drawbridge-web.js", "/icon-dark.svg", "/a-1f2e.css", "/1f2e3d4c5b6a7988.js"]
        {
            assert!(!has_hash(path), "{path}");
        }
    }
}
