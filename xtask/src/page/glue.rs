//! The page's JavaScript: what wasm-bindgen writes, joined with the loader of the later modules.

use std::collections::HashMap;

use anyhow::{Context as _, Result, anyhow};

/// The name under which the program imports the loader.
pub(super) const LOADER: &str = "./split.js";

/// Joins the loader into `glue`, which imports it: one request fewer.
pub(super) fn join(glue: &str, loader: &str) -> Result<String> {
    let import = glue
        .lines()
        .find(|line| line.starts_with("import * as ") && line.contains(LOADER))
        .context("wasm-bindgen's JavaScript does not import the loader of the later modules")?;
    let name = import.split_whitespace().nth(3).context("the import of the loader has no name")?;
    let mut joined = glue.replacen(import, "", 1);
    joined.push('\n');
    let mut exports = Vec::new();
    for line in loader.lines().filter(|line| !line.starts_with("import ")) {
        let line = match line.strip_prefix("export ") {
            Some(line) => {
                exports.extend(line.split_whitespace().nth(1));
                line
            }
            None => line,
        };
        joined.push_str(line);
        joined.push('\n');
    }
    Ok(joined + &format!("const {name} = {{ {} }};\n", exports.join(", ")))
}

/// Replaces each identifier and string that is a key of `names` by its value.
pub(super) fn rename(glue: &str, names: &HashMap<String, String>) -> String {
    let mut renamed = String::with_capacity(glue.len());
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_$".contains(character);
    let mut rest = glue;
    while let Some(character) = rest.chars().next() {
        let length = rest.find(|next| is_part(next) != is_part(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        renamed.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    renamed
}

/// Removes comments and white space.
pub(super) fn minify(glue: &str) -> Result<String> {
    let minified = minifier::js::minify(glue)
        .map_err(|error| anyhow!("cannot minify wasm-bindgen's JavaScript: {error}"))?;
    Ok(minified.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_joined_under_the_name_of_its_import() {
        let glue = "import * as import1 from \"./split.js\"\n\nlet wasm;\nexport { initSync };\n";
        let loader = "import { initSync } from \"./main.js\";\n\nlet a;\nexport const load_views = b(\n);\n";
        let joined = join(glue, loader).unwrap();
        assert_eq!(
            minify(&joined).unwrap(),
            "let wasm;export{initSync};let a;const load_views=b();const import1={load_views};"
        );
        assert!(join("let wasm;\n", loader).is_err());
    }

    #[test]
    fn whole_identifiers_are_renamed() {
        let names = HashMap::from([("__wbg_new".to_owned(), "$0".to_owned())]);
        assert_eq!(rename("x.__wbg_new(__wbg_new_1); '__wbg_new'", &names), "x.$0(__wbg_new_1); '$0'");
    }
}
