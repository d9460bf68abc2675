//! The content security policy of the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// Returns the [content security policy](https://www.w3.org/TR/CSP3/) of a page. It allows files of the page's own server
/// and, by their hashes, the inline scripts of its HTML. Trunk starts the WASM with an inline script.
pub(super) fn content_security_policy(html: &str) -> HeaderValue {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in inline_scripts(html) {
        scripts.push_str(" 'sha256-");
        STANDARD.encode_string(Sha256::digest(script), &mut scripts);
        scripts.push('\'');
    }
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("base64 and ASCII text are a valid header value")
}

/// Returns the text of each inline script.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_script_is_allowed_by_its_hash() {
        let html = r#"<script src="/a.js"></script><script type="module">alert(1)</script>"#;
        let policy = content_security_policy(html);
        let policy = policy.to_str().unwrap();
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert!(policy.contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"), "{policy}");
        assert_eq!(policy.matches("sha256-").count(), 1);
    }
}
