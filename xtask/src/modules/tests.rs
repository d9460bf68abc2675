use std::fs;
use std::path::Path;

use super::layers;

/// Checks a crate of `files` whose root is `root`.
fn check_at(root: &str, files: &[(&str, &str)]) -> Vec<String> {
    let workspace = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = workspace.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    super::check(workspace.path(), Path::new(root)).unwrap()
}

fn check(files: &[(&str, &str)]) -> Vec<String> {
    check_at("src/lib.rs", files)
}

/// A module `a` that uses `B` of a module `b`, which is written as `b`.
fn circle_by(b: &str) -> Vec<String> {
    check(&[
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "use crate::b::B;\npub struct A;\nimpl A { pub const fn new() {} }"),
        ("src/b.rs", &format!("pub struct B;\n{b}")),
    ])
}

#[test]
fn a_circle_is_reported_with_the_place_of_each_arrow() {
    let faults = circle_by("\nuse crate::a::A;\n");
    assert_eq!(
        faults,
        [concat!(
            "2 files use each other in a circle; remove an arrow of it:",
            "\n    src/a.rs:1: uses `B` of src/b.rs",
            "\n    src/b.rs:3: uses `A` of src/a.rs"
        )]
    );
}

#[test]
fn a_module_may_name_its_file() {
    let b = "pub struct B;\nuse crate::a::A;\nmod c;";
    let faults = check(&[
        ("src/lib.rs", "mod a; #[path = \"elsewhere/b.rs\"] mod b;"),
        ("src/a.rs", "use crate::b::B;\npub struct A;"),
        ("src/elsewhere/b.rs", b),
        ("src/elsewhere/c.rs", ""),
    ]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("src/elsewhere/b.rs:2: uses `A` of src/a.rs"), "{faults:?}");
}

#[test]
fn every_way_to_name_an_item_is_an_arrow() {
    for user in [
        "use super::a::A;",
        "use crate::{a::{self, A}};",
        "use super::a;\nfn f(_: a::A) {}",
        "use super::a as other;\nfn f() { other::A::new() }",
        "use super::*;\nfn f(_: a::A) {}",
        "use super::a::*;\nfn f(_: A) {}",
        "fn f() -> Vec<Option<crate::a::A>> { Vec::new() }",
        "fn f() { use crate::a; a::A::new(); }",
        "fn f() { drop(vec![1, crate::a::A]); }",
        "macro_rules! m { () => { $crate::a::A } }",
        "impl From<B> for super::a::A { fn from(_: B) -> Self { todo!() } }",
        "mod inner { use super::super::a::A; }",
    ] {
        assert_eq!(circle_by(user).len(), 1, "{user}");
    }
}

#[test]
fn what_is_no_code_of_the_module_is_no_arrow() {
    for user in [
        "/// See [`crate::a::A`].\nfn f() {}",
        "#[cfg(test)]\nmod tests { use crate::a::A; }",
        "#[cfg(all(test, unix))]\nuse crate::a::A;",
        "impl B { #[cfg(test)] fn f(_: crate::a::A) {} }",
        "use super::a;",
        "use other::a::A;",
        "use ::a::A;",
        "fn f() { drop(vec![self.a::<A>, ::a::A]); }",
    ] {
        assert_eq!(circle_by(user), [""; 0], "{user}");
    }
}

#[test]
fn code_that_tests_leave_out_is_an_arrow() {
    assert_eq!(circle_by("#[cfg(not(test))]\nuse crate::a::A;").len(), 1);
}

#[test]
fn a_table_of_contents_is_no_arrow_but_the_use_of_its_entry_is_one_to_the_definition() {
    let lib = ("src/lib.rs", "mod a; mod b;");
    let contents = ("src/b/mod.rs", "mod c;\npub(crate) use c::C;");
    let c = "use crate::a::A; pub struct C;";
    assert_eq!(check(&[lib, contents, ("src/a.rs", "pub struct A;"), ("src/b/c.rs", c)]), [""; 0]);
    let a = "use crate::b::C; pub struct A;";
    let faults = check(&[lib, contents, ("src/a.rs", a), ("src/b/c.rs", c)]);
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("src/a.rs:1: uses `C` of src/b/c.rs") && !faults[0].contains("mod.rs"));
}

#[test]
fn a_module_that_uses_its_children_is_not_used_by_them() {
    let child = ("src/a/b.rs", "use super::A;\npub struct B(A);");
    for (contents, circles) in [
        ("mod b;\npub use b::B;\npub struct A;", 0),
        ("mod b;\nuse b::B;\npub struct A;", 1),
        ("mod b;\npub use b::B;\npub struct A;\nfn f(_: B) {}", 1),
    ] {
        let faults = check(&[("src/lib.rs", "mod a;"), ("src/a/mod.rs", contents), child]);
        assert_eq!(faults.len(), circles, "{contents}");
    }
}

#[test]
fn a_type_does_not_call_its_methods_of_another_file() {
    let methods = ("src/b.rs", "use crate::a::A;\nimpl A { pub fn more(&self) {} }");
    for (call, circles) in [
        ("impl A { fn f(&self) { self.more() } }", 1),
        ("impl A { fn f(&self) { Self::more(self) } }", 1),
        ("impl A { fn f(&self) { self.less() } fn less(&self) {} }", 0),
    ] {
        let a = format!("pub struct A;\n{call}");
        let faults = check(&[("src/lib.rs", "mod a; mod b;"), ("src/a.rs", &a), methods]);
        assert_eq!(faults.len(), circles, "{call}");
    }
}

#[test]
fn imports_that_lead_back_to_themselves_end() {
    let files = [
        ("src/lib.rs", "mod a; mod b;"),
        ("src/a.rs", "pub use crate::b::*;"),
        ("src/b.rs", "pub use crate::a::*; fn f(_: X) {}"),
    ];
    assert_eq!(check(&files), [""; 0]);
}

#[test]
fn an_arrow_against_the_layers_names_both_modules_and_the_reason() {
    let in_library = |call: &str| {
        check_at(
            layers::ROOT,
            &[
                (layers::ROOT, "mod call; mod peer; mod web;"),
                ("crates/bridge/src/call/mod.rs", "mod layer;"),
                ("crates/bridge/src/call/layer.rs", call),
                ("crates/bridge/src/peer.rs", "pub struct PeerAddr;"),
                ("crates/bridge/src/web.rs", "pub struct Refusal;"),
            ],
        )
    };
    assert_eq!(in_library("use crate::peer::PeerAddr;"), [""; 0]);
    let faults = in_library("\nuse crate::web::Refusal;");
    assert_eq!(faults.len(), 1);
    let start =
        "crates/bridge/src/call/layer.rs:2: `call` must not use `Refusal` of `web`, but only `body`, `peer`";
    assert!(faults[0].starts_with(start), "{}", faults[0]);
}

#[test]
fn a_new_module_of_the_library_needs_an_entry_in_the_layers() {
    let faults = check_at(
        layers::ROOT,
        &[
            (layers::ROOT, "mod sockets; mod peer;"),
            ("crates/bridge/src/sockets.rs", "use crate::peer::PeerAddr;"),
            ("crates/bridge/src/peer.rs", "pub struct PeerAddr;"),
        ],
    );
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("`sockets` is missing in LAYERS"), "{}", faults[0]);
}
