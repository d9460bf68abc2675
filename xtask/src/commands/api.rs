//! `cargo xtask api`: the public API of each library, beside the text in `docs/api/` that was reviewed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use xshell::Shell;

use crate::workspace::{self, WASM};
use crate::{rustdoc, toolchain};

/// A library whose API is kept.
struct Library {
    package: &'static str,
    /// Its name in code.
    name: &'static str,
    /// The target that has all of its items, when it is not every one.
    target: Option<&'static str>,
}

const LIBRARIES: [Library; 4] = [
    Library { package: "drawbridge-core", name: "drawbridge_core", target: None },
    Library { package: "drawbridge-grpc", name: "drawbridge", target: None },
    Library { package: "drawbridge-json", name: "drawbridge_json", target: None },
    Library { package: "drawbridge-fetch", name: "drawbridge_fetch", target: Some(WASM) },
];

/// Compares the APIs, all features included, with the texts in `docs/api/`, or writes the texts if `bless` is set.
///
/// # Errors
///
/// When an API differs from its text.
pub(crate) fn api(sh: &Shell, bless: bool) -> Result<()> {
    toolchain::ensure_wasm_target(sh)?;
    let mut changed = 0;
    for library in &LIBRARIES {
        let now = library.read(sh)?;
        let path = library.text();
        let before = if sh.path_exists(&path) { sh.read_file(&path)? } else { String::new() };
        let difference = difference(&before, &now);
        if difference.is_empty() {
            println!("{}: {} items, as in {}", library.package, now.lines().count(), shown(&path));
        } else if bless {
            sh.write_file(&path, &now)?;
            println!("{} was written: {} lines changed", shown(&path), difference.len());
        } else {
            changed += 1;
            println!("The API of {} differs from {}:\n", library.package, shown(&path));
            println!("{}\n", difference.join("\n"));
        }
    }
    if changed > 0 {
        bail!(
            "{changed} public APIs changed. If that is intended, run `cargo xtask api --bless`, commit the texts in docs/api/, and \
             name in CHANGELOG.md what users have to change. If not, make the new items private or restore the old ones"
        );
    }
    Ok(())
}

impl Library {
    fn text(&self) -> PathBuf {
        workspace::root().join("docs").join("api").join(format!("{}.txt", self.package))
    }

    fn read(&self, sh: &Shell) -> Result<String> {
        let json = rustdoc::json(sh, self.package, self.name, self.target)?;
        let api = public_api::Builder::from_rustdoc_json(json)
            .omit_auto_trait_impls(true)
            .omit_blanket_impls(true)
            .build()
            .with_context(|| {
                format!(
                    "the JSON of {} was not understood: its format changes with the compiler, and the version of the crate \
                     public-api in Cargo.toml is for Rust 1.95",
                    self.package
                )
            })?;
        Ok(api.items().map(|item| item.to_string() + "\n").collect())
    }
}

fn shown(path: &Path) -> std::path::Display<'_> {
    workspace::relative(path).display()
}

/// Returns the lines that are only in one text, with `-` for `before` and `+` for `now`, in the order of the items.
fn difference(before: &str, now: &str) -> Vec<String> {
    let [old, new] = [before, now].map(|text| text.lines().collect::<BTreeSet<_>>());
    let mut lines: Vec<_> = old.symmetric_difference(&new).collect();
    lines.sort_by_key(|line| (**line, !old.contains(**line)));
    lines.into_iter().map(|line| format!("{} {line}", if old.contains(line) { '-' } else { '+' })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_has_what_one_text_has_and_the_other_has_not() {
        let before = "pub fn a::x()\npub fn a::y()\n";
        let now = "pub fn a::x()\npub fn a::z()\n";
        assert_eq!(difference(before, now), ["- pub fn a::y()", "+ pub fn a::z()"]);
        assert!(difference(now, now).is_empty());
    }

    #[test]
    fn an_api_without_a_text_is_all_new() {
        assert_eq!(difference("", "pub mod a\n"), ["+ pub mod a"]);
    }
}
