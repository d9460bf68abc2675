//! The links of a Markdown file.

use std::path::Path;

use anyhow::{Context as _, Result};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Returns what is wrong with each link of `text`, the content of `file`, that leads to no file of this repository, or to no
/// heading of one. Links with a scheme, such as `https:`, are not followed.
pub(crate) fn broken_links(file: &Path, text: &str) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for link in links(text) {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(p, a)| (p, Some(a)));
        let target = if path.is_empty() { file.to_owned() } else { file.with_file_name(path) };
        if !target.exists() {
            broken.push(format!("{}: no file at {link}", file.display()));
        } else if let Some(anchor) = anchor {
            let text = std::fs::read_to_string(&target)
                .with_context(|| format!("cannot read {}, which {link} leads to", target.display()))?;
            if !anchors(&text).iter().any(|found| found == anchor) {
                broken.push(format!("{}: no heading at {link}", file.display()));
            }
        }
    }
    Ok(broken)
}

/// Returns the destination of each link and image.
fn links(text: &str) -> Vec<String> {
    Parser::new(text)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(dest_url.into_string())
            }
            _ => None,
        })
        .collect()
}

/// Returns the anchor of each heading, as GitHub and mdBook make it of the heading's text.
fn anchors(text: &str) -> Vec<String> {
    let (mut anchors, mut heading) = (Vec::new(), None::<String>);
    for event in Parser::new(text) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::End(TagEnd::Heading(_)), _) => anchors.extend(heading.take()),
            (Event::Text(text) | Event::Code(text), Some(anchor)) => {
                let kept = text.chars().filter(|c| c.is_alphanumeric() || ['-', '_', ' '].contains(c));
                anchor.extend(kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }));
            }
            _ => {}
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_has_the_anchor_that_github_gives_it() {
        let text = "# One\n\n## Two `--flags`, *here*: a_b\n\nNo heading.\n";
        assert_eq!(anchors(text), ["one", "two---flags-here-a_b"]);
    }

    #[test]
    fn links_to_missing_files_and_headings_are_found_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.md");
        std::fs::write(folder.path().join("b.md"), "# There\n").unwrap();
        let text = "# Here\n[x](b.md) [x](b.md#there) [x](#here) [x](https://a.example/b.md) `[x](in/code.md)`\n\
                    [x](c.md) [x](b.md#nowhere) ![x](c.png)\n";
        std::fs::write(&file, text).unwrap();
        let broken = broken_links(&file, text).unwrap();
        let ends: Vec<_> = broken.iter().map(|fault| fault.rsplit(' ').next().unwrap()).collect();
        assert_eq!(ends, ["c.md", "b.md#nowhere", "c.png"]);
    }
}
