//! Which file of a crate uses which.

use std::collections::{BTreeMap, HashMap};

use super::resolve::Found;
use super::tree::Tree;

/// The use of a file by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    /// Both by their indices in [`Tree::files`].
    pub(super) from: usize,
    pub(super) to: usize,
    /// The first place of that use, and what is used there.
    pub(super) line: usize,
    pub(super) name: String,
}

/// Methods in another file than their type: the type's module and name, the method's name, and the file.
type Distant<'t> = HashMap<(usize, String, &'t str), usize>;

/// Returns each file's use of another once, in the order of files.
pub(super) fn of(tree: &Tree) -> Vec<Arrow> {
    let distant = distant_methods(tree);
    let mut arrows = BTreeMap::new();
    for (module, content) in tree.modules.iter().enumerate() {
        for mention in &content.mentions {
            for found in tree.resolve(module, &mention.path) {
                let Found::Item { module: home, name, member } = found else { continue };
                if mention.is_reexport && tree.is_within(home, module) {
                    continue;
                }
                let mut add = |to: usize, name: String| {
                    if to != content.file {
                        let arrow = Arrow { from: content.file, to, line: mention.line, name };
                        let first = arrows.entry((content.file, to)).or_insert_with(|| arrow.clone());
                        if arrow.line < first.line {
                            *first = arrow;
                        }
                    }
                };
                if let Some(member) = &member
                    && let Some(to) = distant.get(&(home, name.clone(), member.as_str()))
                {
                    add(*to, format!("{name}::{member}"));
                }
                add(tree.modules[home].file, name);
            }
        }
    }
    arrows.into_values().collect()
}

fn distant_methods(tree: &Tree) -> Distant<'_> {
    let mut distant = Distant::new();
    for (module, content) in tree.modules.iter().enumerate() {
        for method in &content.methods {
            for found in tree.resolve(module, &method.of) {
                if let Found::Item { module: home, name, .. } = found
                    && tree.modules[home].file != content.file
                {
                    distant.insert((home, name, method.name.as_str()), content.file);
                }
            }
        }
    }
    distant
}
