//! Reads the items of one module into a [`Module`].

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, ExprMethodCall, ImplItem, Item, ItemImpl, ItemMod, ItemUse, Lit, Macro, Meta,
    Path, UseTree,
};

use super::tree::{Binding, Mention, Method, Module};

/// A `mod` declaration.
pub(super) struct Child {
    pub(super) name: String,
    /// The content of an inline module.
    pub(super) content: Option<Vec<Item>>,
    /// The value of a `#[path]` attribute, from the folder of the file that declares the module.
    pub(super) path: Option<String>,
}

/// Adds what `items` define and mention to `module`, and returns the modules that they declare.
pub(super) fn scan(items: &[Item], module: &mut Module) -> Vec<Child> {
    let mut scanner = Scanner { module, children: Vec::new(), self_types: Vec::new() };
    for item in items {
        scanner.visit_item(item);
    }
    scanner.children
}

struct Scanner<'a> {
    module: &'a mut Module,
    children: Vec<Child>,
    /// The types of the `impl` blocks that are being read, the innermost last.
    self_types: Vec<Vec<String>>,
}

impl Scanner<'_> {
    fn mention(&mut self, path: Vec<String>, line: usize) {
        self.module.mentions.push(Mention { path, line, is_reexport: false });
    }

    /// Replaces a leading `Self` with the type that it stands for.
    fn without_self(&self, path: Vec<String>) -> Vec<String> {
        match self.self_types.last() {
            Some(of) if path[0] == "Self" => of.iter().cloned().chain(path.into_iter().skip(1)).collect(),
            _ => path,
        }
    }

    fn import(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_reexport: bool) {
        let (name, path, line) = match tree {
            UseTree::Path(path) => {
                prefix.push(name_of(&path.ident));
                self.import(&path.tree, prefix, is_reexport);
                prefix.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix, is_reexport);
                }
                return;
            }
            UseTree::Glob(_) => return self.module.globs.push(prefix.clone()),
            UseTree::Name(leaf) if leaf.ident == "self" && !prefix.is_empty() => {
                (prefix[prefix.len() - 1].clone(), prefix.clone(), line_of(&leaf.ident))
            }
            UseTree::Name(leaf) => {
                let name = name_of(&leaf.ident);
                (name.clone(), joined(prefix, name), line_of(&leaf.ident))
            }
            UseTree::Rename(leaf) if leaf.ident == "self" && !prefix.is_empty() => {
                (name_of(&leaf.rename), prefix.clone(), line_of(&leaf.ident))
            }
            UseTree::Rename(leaf) => {
                (name_of(&leaf.rename), joined(prefix, name_of(&leaf.ident)), line_of(&leaf.ident))
            }
        };
        self.module.mentions.push(Mention { path: path.clone(), line, is_reexport });
        // `use x;` names a crate, and would be found again under its own name.
        if path.len() > 1 || name != path[0] {
            self.module.bind(name, Binding::Import(path));
        }
    }

    /// Reads the paths in the input of a macro, which has no grammar of its own.
    fn scan_tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // The path that is being read, and whether it takes one more segment.
        let (mut path, mut line, mut open) = (Vec::new(), 0, false);
        // What stands before a name that makes it no path: a field's dot, a lifetime's quote, the colons of another crate.
        let mut barred = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) => {
                    if !open {
                        self.end_path(&mut path, line);
                    }
                    if !barred || open {
                        line = line_of(&ident);
                        path.push(name_of(&ident));
                    }
                    (open, barred) = (false, false);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    let is_double = tokens.next_if(is_colon).is_some();
                    open = is_double && !path.is_empty();
                    barred = is_double && path.is_empty();
                }
                TokenTree::Punct(punct) => {
                    self.end_path(&mut path, line);
                    (open, barred) = (false, matches!(punct.as_char(), '.' | '\''));
                }
                TokenTree::Group(group) => {
                    self.end_path(&mut path, line);
                    (open, barred) = (false, false);
                    self.scan_tokens(group.stream());
                }
                TokenTree::Literal(_) => {
                    self.end_path(&mut path, line);
                    (open, barred) = (false, false);
                }
            }
        }
        self.end_path(&mut path, line);
    }

    fn end_path(&mut self, path: &mut Vec<String>, line: usize) {
        if !path.is_empty() {
            let path = self.without_self(std::mem::take(path));
            self.mention(path, line);
        }
    }
}

impl<'ast> Visit<'ast> for Scanner<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (name, attributes) = signature(item);
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name {
            self.module.bind(name_of(name), Binding::Item);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let content = item.content.as_ref().map(|(_, items)| items.clone());
        let path = item.attrs.iter().find_map(path_attribute);
        self.children.push(Child { name: name_of(&item.ident), content, path });
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&item.tree, &mut Vec::new(), is_reexport);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let of = match &*item.self_ty {
            syn::Type::Path(path) => segments(&path.path),
            _ => vec!["Self".to_owned()],
        };
        if item.trait_.is_none() {
            let names = item.items.iter().filter_map(|item| match item {
                ImplItem::Fn(function) if !is_test(&function.attrs) => Some(name_of(&function.sig.ident)),
                _ => None,
            });
            self.module.methods.extend(names.map(|name| Method { of: of.clone(), name }));
        }
        self.self_types.push(of);
        visit::visit_item_impl(self, item);
        self.self_types.pop();
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let on_self = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident("self"));
        if let Some(of) = self.self_types.last().filter(|_| on_self) {
            let path = joined(of, name_of(&call.method));
            self.mention(path, line_of(&call.method));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let whole = self.without_self(segments(path));
            self.mention(whole, line_of(&path.segments[0].ident));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, makro: &'ast Macro) {
        self.scan_tokens(makro.tokens.clone());
        visit::visit_macro(self, makro);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Returns the name of what an item defines, and the item's attributes.
fn signature(item: &Item) -> (Option<&Ident>, &[Attribute]) {
    match item {
        Item::Const(item) => (Some(&item.ident), &item.attrs),
        Item::Enum(item) => (Some(&item.ident), &item.attrs),
        Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
        Item::Impl(item) => (None, &item.attrs),
        Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
        Item::Mod(item) => (None, &item.attrs),
        Item::Static(item) => (Some(&item.ident), &item.attrs),
        Item::Struct(item) => (Some(&item.ident), &item.attrs),
        Item::Trait(item) => (Some(&item.ident), &item.attrs),
        Item::Type(item) => (Some(&item.ident), &item.attrs),
        Item::Union(item) => (Some(&item.ident), &item.attrs),
        Item::Use(item) => (None, &item.attrs),
        _ => (None, &[]),
    }
}

/// Returns the value of an attribute `#[path = "…"]`.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) if pair.path.is_ident("path") => Some(path.value()),
        _ => None,
    }
}

/// Whether attributes leave an item to tests: `#[cfg(test)]`, or `test` among other conditions that all must hold.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.parse_args::<TokenStream>().map(|tokens| tokens.to_string());
        condition.is_ok_and(|condition| {
            let words = condition.replace(['(', ')', ','], " ");
            let mut words = words.split_whitespace();
            match words.next() {
                Some("test") => true,
                Some("all") => !condition.contains("not") && words.any(|word| word == "test"),
                _ => false,
            }
        })
    })
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| name_of(&segment.ident)).collect()
}

fn joined(prefix: &[String], name: String) -> Vec<String> {
    prefix.iter().cloned().chain([name]).collect()
}

/// The name without the `r#` of a raw identifier.
fn name_of(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

fn line_of(ident: &Ident) -> usize {
    ident.span().start().line
}
