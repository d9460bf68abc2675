//! No Rust in the book goes uncompiled: a block is a doctest of this crate, or it is included from a file that is built.

// A file that cannot be read fails the test, as it should.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The sources of the book.
fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src")
}

/// Returns all pages below a folder, each with its path in the book.
fn pages(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.strip_prefix(book()).unwrap().to_str().unwrap().replace('\\', "/");
            into.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all_pages() -> Vec<(String, String)> {
    let mut all = Vec::new();
    pages(&book(), &mut all);
    assert!(all.len() > 10, "the book is in docs/src");
    all
}

/// Returns the info string and the content of each block of code.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn each_page_with_rust_is_compiled() {
    let compiled = include_str!("../src/lib.rs");
    for (page, text) in all_pages() {
        let has_rust =
            blocks(&text).iter().any(|(info, _)| info.starts_with("rust") && !info.contains("ignore"));
        let named = compiled.contains(&format!("\"../../../docs/src/{page}\""));
        assert_eq!(has_rust, named, "docs/src/{page}: name it in tests/docs/src/lib.rs if it has Rust");
    }
}

#[test]
fn a_block_that_is_not_compiled_here_is_included_from_a_file_that_is_built() {
    for (page, text) in all_pages() {
        for (info, content) in blocks(&text).into_iter().filter(|(info, _)| info.starts_with("rust,ignore")) {
            let include = content.trim().strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}"));
            let include = include.unwrap_or_else(|| panic!("docs/src/{page}: {info} is for includes alone"));
            let (path, anchor) = include.split_once(':').map_or((include, None), |(p, a)| (p, Some(a)));
            let file = book().join(&page).parent().unwrap().join(path);
            let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {path}: {error}"));
            // mdBook includes nothing, and says nothing, where an anchor is missing.
            if let Some(anchor) = anchor {
                assert!(
                    source.contains(&format!("ANCHOR: {anchor}\n")),
                    "{page}: no anchor {anchor} in {path}"
                );
            }
        }
    }
}

#[test]
fn each_page_is_in_the_summary() {
    let summary = fs::read_to_string(book().join("SUMMARY.md")).unwrap();
    for (page, _) in all_pages().into_iter().filter(|(page, _)| page != "SUMMARY.md") {
        assert!(summary.contains(&format!("({page})")), "docs/src/{page} is not in SUMMARY.md");
    }
}
