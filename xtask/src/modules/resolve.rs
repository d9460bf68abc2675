//! Finds what a path of the code leads to.

use super::tree::{Binding, Tree};

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Module(usize),
    Item {
        /// The module that defines the item.
        module: usize,
        name: String,
        /// The path's next segment behind the item, such as a variant or an associated function.
        member: Option<String>,
    },
}

impl Tree {
    /// Returns what `path` leads to when it stands in `module`. It is nothing for paths to other crates, and several things
    /// when namespaces differ.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Vec<Found> {
        self.follow(module, path, &mut Vec::new())
    }

    /// `seen` holds the names that are being looked up, which imports may lead back to.
    fn follow<'t>(
        &'t self,
        module: usize,
        path: &'t [String],
        seen: &mut Vec<(usize, &'t str)>,
    ) -> Vec<Found> {
        let (mut found, mut rest) = (Vec::new(), path);
        let mut start = Some(module);
        while let Some((first, behind)) = rest.split_first() {
            start = match (first.as_str(), start) {
                ("crate", _) => Some(0),
                ("self", start) => start,
                ("super", Some(start)) => self.modules[start].parent,
                _ => break,
            };
            rest = behind;
            found = start.map(Found::Module).into_iter().collect();
        }
        let Some(start) = start else { return Vec::new() };
        let Some((first, mut rest)) = rest.split_first() else { return found };
        found = self.look_up(start, first, seen);
        while let Some((next, behind)) = rest.split_first() {
            let mut deeper = Vec::new();
            for one in found {
                match one {
                    Found::Module(module) => deeper.extend(self.look_up(module, next, seen)),
                    Found::Item { module, name, member } => {
                        let member = member.or_else(|| Some(next.clone()));
                        deeper.push(Found::Item { module, name, member });
                    }
                }
            }
            (found, rest) = (deeper, behind);
        }
        found
    }

    fn look_up<'t>(&'t self, module: usize, name: &'t str, seen: &mut Vec<(usize, &'t str)>) -> Vec<Found> {
        if seen.contains(&(module, name)) {
            return Vec::new();
        }
        seen.push((module, name));
        let mut found = Vec::new();
        for binding in self.modules[module].names.get(name).into_iter().flatten() {
            match binding {
                Binding::Item => {
                    found.push(Found::Item { module, name: name.to_owned(), member: None });
                }
                Binding::Module(child) => found.push(Found::Module(*child)),
                Binding::Import(path) => found.extend(self.follow(module, path, seen)),
            }
        }
        if found.is_empty() {
            for glob in &self.modules[module].globs {
                for target in self.follow(module, glob, seen) {
                    if let Found::Module(target) = target {
                        found.extend(self.look_up(target, name, seen));
                    }
                }
            }
        }
        seen.pop();
        found
    }
}
