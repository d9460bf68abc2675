//! The modules of a crate: what each defines, imports and mentions.

use std::collections::HashMap;
use std::path::PathBuf;

/// A crate's files and modules. The first module is the crate's root.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) files: Vec<PathBuf>,
    pub(super) modules: Vec<Module>,
}

/// A module, inline or in a file of its own.
#[derive(Default)]
pub(super) struct Module {
    /// The file that it is written in, by its index in [`Tree::files`].
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    /// What a name stands for. It is several things when namespaces differ, such as a module and a function.
    pub(super) names: HashMap<String, Vec<Binding>>,
    /// The modules that are imported as a whole, by `use path::*`.
    pub(super) globs: Vec<Vec<String>>,
    pub(super) mentions: Vec<Mention>,
    /// The methods of inherent `impl` blocks.
    pub(super) methods: Vec<Method>,
}

/// What a name of a module stands for.
pub(super) enum Binding {
    /// An item that is defined in the module.
    Item,
    /// A child, by its index in [`Tree::modules`].
    Module(usize),
    /// What a path leads to.
    Import(Vec<String>),
}

/// A path in the code of a module.
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// `pub use`, with any visibility.
    pub(super) is_reexport: bool,
}

/// A method or associated function.
pub(super) struct Method {
    /// The path of its type.
    pub(super) of: Vec<String>,
    pub(super) name: String,
}

impl Tree {
    /// Whether `module` is `ancestor`, or lies in it.
    pub(super) fn is_within(&self, mut module: usize, ancestor: usize) -> bool {
        while module != ancestor {
            let Some(parent) = self.modules[module].parent else { return false };
            module = parent;
        }
        true
    }
}

impl Module {
    pub(super) fn bind(&mut self, name: String, binding: Binding) {
        self.names.entry(name).or_default().push(binding);
    }
}
