//! Puts the page into the binary: the one that Trunk built, in a release build that finds it in `dist/`, and a small
//! one that says how to get it otherwise. Debug builds never carry the page: they would have to be rebuilt with each
//! change of it, and read it from disk with `--assets`.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(page_embedded)");
    let built = Path::new("../dist");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if release {
        println!("cargo::rerun-if-changed=../dist");
    }
    let folder = if release && built.join("index.html").is_file() {
        println!("cargo::rustc-cfg=page_embedded");
        built
    } else {
        Path::new("src/page/placeholder")
    };
    let folder = folder.canonicalize().expect("the folder was just seen");
    println!("cargo::rustc-env=DRAWBRIDGE_EMBEDDED_PAGE={}", folder.display());
    memory_serve::load_directory_with_embed(folder, true);
}
