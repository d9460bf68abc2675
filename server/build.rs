//! Chooses the page to embed.
//!
//! A release build embeds the page that Trunk has built: from `dist/` of the workspace, or from `page/` of this package,
//! where the published crate has it. Without a built page, and in debug builds, it embeds a placeholder that says how to
//! build the page. A debug build with the page would be rebuilt at each change of it; use `--assets` there.

use std::env;
use std::path::Path;

/// The folders that may have a built page; the first one that has it is embedded. In a checkout, `page/` may be older than
/// `dist/`.
const BUILT_PAGES: [&str; 2] = ["../dist", "page"];

const PLACEHOLDER: &str = "src/page/placeholder";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(page_embedded)");
    let mut folder = Path::new(PLACEHOLDER);
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        for built in BUILT_PAGES {
            // A folder that does not exist counts as changed at each build, so only those that matter are watched.
            println!("cargo::rerun-if-changed={built}");
            if Path::new(built).join("index.html").is_file() {
                println!("cargo::rustc-cfg=page_embedded");
                folder = Path::new(built);
                break;
            }
        }
    }
    let folder = folder.canonicalize().expect("the folder exists");
    println!("cargo::rustc-env=DRAWBRIDGE_EMBEDDED_PAGE={}", folder.display());
    memory_serve::load_directory_with_embed(folder, true);
}
