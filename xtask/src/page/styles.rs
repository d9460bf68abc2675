//! The style sheet of the page: one file, joined from one for each view and component.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// The list of the style sheets, as CSS imports in the order of their rules.
const LIST: &str = "static/styles.css";

/// The joined style sheet. `static/index.html` names it.
const JOINED: &str = "target/page-styles/styles.css";

/// Writes the style sheet that `static/index.html` names.
pub(crate) fn join(root: &Path) -> Result<()> {
    let list = root.join(LIST);
    let joined = joined(&list).with_context(|| format!("cannot join the style sheets of {LIST}"))?;
    let target = root.join(JOINED);
    fs::create_dir_all(target.parent().expect("the style sheet lies in a folder"))?;
    fs::write(&target, joined).with_context(|| format!("cannot write {JOINED}"))
}

/// Returns the texts of the style sheets that `list` imports.
fn joined(list: &Path) -> Result<String> {
    let mut joined = String::new();
    for line in fs::read_to_string(list)?.lines().filter(|line| line.starts_with('@')) {
        let file = line.strip_prefix("@import \"").and_then(|rest| rest.strip_suffix("\";"));
        let file = file.with_context(|| format!("`{line}`: expected `@import \"FILE\";`"))?;
        let text = fs::read_to_string(list.with_file_name(file)).with_context(|| file.to_owned())?;
        ensure!(!text.contains("@import"), "{file} imports another style sheet: import it in {LIST}");
        joined.push_str(&text);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_joined_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("styles.css");
        fs::write(folder.path().join("a.css"), "a {}\n").unwrap();
        fs::write(folder.path().join("b.css"), "b {}\n").unwrap();
        fs::write(&list, "/* All. */\n@import \"b.css\";\n@import \"a.css\";\n").unwrap();
        assert_eq!(joined(&list).unwrap(), "b {}\na {}\n");

        fs::write(&list, "@import url(a.css);\n").unwrap();
        assert!(joined(&list).is_err());
        fs::write(&list, "@import \"c.css\";\n").unwrap();
        assert!(joined(&list).is_err());
    }
}
