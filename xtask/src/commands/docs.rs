//! `cargo xtask docs`: builds the book in `docs/`, checks the links of every Markdown file, and compiles the Rust in them.

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::markdown;
use crate::steps::Steps;
use crate::tools::Tool;
use crate::workspace;

/// Builds the book, checks its links, and compiles the code in it and in the README.
pub(crate) fn docs(sh: &Shell, steps: &mut Steps) -> Result<()> {
    book(sh, steps)?;
    steps.step("code in the README and the book", || {
        Ok(cmd!(sh, "cargo test --locked --package drawbridge-docs").run()?)
    })
}

/// Builds the book into `target/book/` and checks all links. The native tests compile the code in it.
pub(crate) fn book(sh: &Shell, steps: &mut Steps) -> Result<()> {
    let out = workspace::book();
    steps.step("book", || {
        let mdbook = Tool::mdbook().ensure(sh)?;
        let built = cmd!(sh, "{mdbook} build docs --dest-dir {out}").env_remove("RUST_LOG").output()?;
        // A page that includes a file which is missing is an error to readers, and a line of the log to mdBook.
        let log = String::from_utf8_lossy(&built.stderr);
        ensure!(!has_fault(&log), "mdBook reports faults:\n{}", log.trim_end());
        println!("    {}", out.join("index.html").display());
        Ok(())
    })?;
    steps.step("links in the book", || {
        let hyperlink = Tool::hyperlink().ensure(sh)?;
        Ok(cmd!(sh, "{hyperlink} --check-anchors --sources docs/src {out}").run()?)
    })?;
    steps.step("links in all other Markdown", || {
        let files = cmd!(sh, "git ls-files --cached --others --exclude-standard *.md").read()?;
        let mut faults = Vec::new();
        // The book's own pages link to the files that mdBook makes of them, which were checked above.
        for file in files.lines().filter(|file| !file.starts_with("docs/src/") && sh.path_exists(file)) {
            let text = sh.read_file(file).with_context(|| format!("cannot read {file}"))?;
            faults.extend(markdown::broken_links(&workspace::root().join(file), &text)?);
        }
        ensure!(faults.is_empty(), "{} broken links\n  {}", faults.len(), faults.join("\n  "));
        Ok(())
    })
}

fn has_fault(log: &str) -> bool {
    log.lines().any(|line| ["ERROR", "WARN"].iter().any(|level| line.trim_start().starts_with(level)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_of_mdbook_is_a_fault() {
        assert!(!has_fault(" INFO Book building has started\n INFO Running the html backend\n"));
        assert!(has_fault(" INFO Book building has started\n WARN Caused By: failed to read `x.rs`\n"));
        assert!(has_fault("ERROR Error updating \"{{#include x.rs}}\"\n"));
    }
}
