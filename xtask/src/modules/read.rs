//! Reads a crate's files, from its root along its `mod` declarations.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use syn::Item;

use super::scan::{self, Child};
use super::tree::{Binding, Module, Tree};

/// Reads the crate whose root file is `root`, a path from `workspace`.
///
/// # Errors
///
/// When a file is missing, cannot be read, or does not parse.
pub(super) fn read_crate(workspace: &Path, root: &Path) -> Result<Tree> {
    let mut reader = Reader { workspace, tree: Tree::default() };
    let file = reader.add_file(root);
    let items = reader.parse(root)?;
    reader.tree.modules.push(Module { file, ..Module::default() });
    let folder = root.parent().unwrap_or(Path::new("")).to_owned();
    let mut waiting = VecDeque::from([Unscanned { module: 0, folder, items }]);
    while let Some(Unscanned { module, folder, items }) = waiting.pop_front() {
        for child in scan::scan(&items, &mut reader.tree.modules[module]) {
            waiting.push_back(reader.add_child(module, &folder, child)?);
        }
    }
    Ok(reader.tree)
}

/// A module whose items were parsed.
struct Unscanned {
    module: usize,
    /// The folder of its children's files.
    folder: PathBuf,
    items: Vec<Item>,
}

struct Reader<'a> {
    workspace: &'a Path,
    tree: Tree,
}

impl Reader<'_> {
    fn add_child(&mut self, parent: usize, folder: &Path, child: Child) -> Result<Unscanned> {
        let Child { name, content, path } = child;
        let mut inner = folder.join(&name);
        let (file, items) = if let Some(items) = content {
            (self.tree.modules[parent].file, items)
        } else if let Some(path) = path {
            let declared_in = &self.tree.files[self.tree.modules[parent].file];
            let path = declared_in.with_file_name(path);
            // The children of such a module are beside it, as those of a `mod.rs` are.
            path.parent().unwrap_or(Path::new("")).clone_into(&mut inner);
            (self.add_file(&path), self.parse(&path)?)
        } else {
            let places = [inner.with_extension("rs"), inner.join("mod.rs")];
            let Some(path) = places.iter().find(|path| self.workspace.join(path).is_file()) else {
                bail!(
                    "`mod {name};` has no file: neither {} nor {}",
                    places[0].display(),
                    places[1].display()
                );
            };
            (self.add_file(path), self.parse(path)?)
        };
        let module = self.tree.modules.len();
        self.tree.modules.push(Module { file, parent: Some(parent), ..Module::default() });
        self.tree.modules[parent].bind(name, Binding::Module(module));
        Ok(Unscanned { module, folder: inner, items })
    }

    fn add_file(&mut self, path: &Path) -> usize {
        self.tree.files.push(path.to_owned());
        self.tree.files.len() - 1
    }

    fn parse(&self, path: &Path) -> Result<Vec<Item>> {
        let text = fs::read_to_string(self.workspace.join(path))
            .with_context(|| format!("cannot read {}", path.display()))?;
        let file = syn::parse_file(&text)
            .map_err(|error| anyhow!("{}:{}: {error}", path.display(), error.span().start().line))?;
        Ok(file.items)
    }
}
