//! What comes from outside the workspace: Rust's WASM target and a C compiler.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace::WASM;

/// Sees to it that Rust can compile for the browser.
///
/// The compiler's own word counts, not rustup's, so that a Rust from elsewhere will do as long as it has the target.
pub(crate) fn ensure_wasm_target(sh: &Shell) -> Result<()> {
    let libraries = cmd!(sh, "rustc --print target-libdir --target {WASM}").read()?;
    if has_files(Path::new(&libraries)) {
        return Ok(());
    }
    if which::which("rustup").is_err() {
        bail!(
            "this Rust cannot compile to {WASM}, and there is no rustup to add it: install rustup from https://rustup.rs"
        );
    }
    println!("Adding the target {WASM} to Rust through rustup: the page is Rust compiled to WASM.");
    cmd!(sh, "rustup target add {WASM}")
        .run()
        .context("rustup could not add it; its own words are above. The first run needs the network, later ones do not")
}

fn has_files(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Sees to it that cargo has the command `name`, which the smallest of rustup's profiles leaves out.
pub(crate) fn ensure_component(sh: &Shell, name: &str) -> Result<()> {
    let command = name.trim_start_matches("rust");
    if cmd!(sh, "cargo {command} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok() {
        return Ok(());
    }
    println!("Adding {name} to Rust through rustup.");
    cmd!(sh, "rustup component add {name}").run().with_context(|| {
        format!("`cargo {command}` is missing, and rustup could not add it; its own words are above")
    })
}

/// Sees to it that SQLite can be compiled, which is C. On Windows the compiler is found by other means than PATH.
pub(crate) fn ensure_c_compiler() -> Result<()> {
    let named = std::env::var_os("CC").is_some();
    let found = ["cc", "gcc", "clang"].iter().any(|name| which::which(name).is_ok());
    if named || found || cfg!(windows) {
        return Ok(());
    }
    bail!(
        "no C compiler, which SQLite needs: `apt-get install build-essential` (Debian, Ubuntu), `dnf install gcc` (Fedora), \
         `xcode-select --install` (macOS), or name yours in CC"
    );
}
