//! Checks that the modules of each crate depend one way: no circles between files, and in the library no arrow against the
//! order of its layers.
//!
//! Reading order: [`tree`] holds what a crate's files define and mention, [`scan`] and [`read`] fill it from the sources,
//! [`resolve`] finds the file that defines a mentioned item, [`arrows`] collects which file uses which, [`circles`] and
//! [`layers`] check them.
//!
//! An arrow is a path in the code of one file that leads to an item of another file of the same crate. A `use` of a module
//! alone is none: the paths that begin with the module's name are. Re-exports are followed to the file that defines the
//! item. Re-exports of a module's own descendants are its table of contents and no arrows; neither are `mod` declarations,
//! comments, attributes and code under `#[cfg(test)]`.
//!
//! Method calls are followed only on `self`, and only to `impl` blocks in another file than their type's: the types of other
//! receivers are known to the compiler alone.

mod arrows;
mod circles;
mod layers;
mod read;
mod resolve;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

use std::path::Path;

use anyhow::Result;

/// Returns what is wrong with the modules of the crate whose root file is `root`, a path from the folder `workspace`. Each fault
/// is one text.
pub(crate) fn check(workspace: &Path, root: &Path) -> Result<Vec<String>> {
    let tree = read::read_crate(workspace, root)?;
    let arrows = arrows::of(&tree);
    let mut faults = circles::check(&tree, &arrows);
    if root == Path::new(layers::ROOT) {
        faults.extend(layers::check(&tree, &arrows));
    }
    Ok(faults)
}
