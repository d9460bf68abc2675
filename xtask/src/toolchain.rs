//! What the builds need from the machine: Rust's WASM target, rustfmt and clippy, and a C compiler.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace::WASM;

/// Installs the target of the browser, unless the compiler has it.
///
/// It asks the compiler, not rustup, so that a Rust that rustup did not install works too.
pub(crate) fn ensure_wasm_target(sh: &Shell) -> Result<()> {
    let libraries = cmd!(sh, "rustc --print target-libdir --target {WASM}").read()?;
    if has_files(Path::new(&libraries)) {
        return Ok(());
    }
    if which::which("rustup").is_err() {
        bail!(
            "rustc has no target {WASM}, and rustup is not installed to add it: install rustup from https://rustup.rs"
        );
    }
    println!("Adding the target {WASM} with rustup: the page is Rust compiled to WASM.");
    cmd!(sh, "rustup target add {WASM}")
        .run()
        .context("rustup did not add the target; its output is above. Only the first run needs the network")
}

fn has_files(folder: &Path) -> bool {
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Installs the component `name`, which rustup's smallest profile leaves out, unless cargo has its command.
pub(crate) fn ensure_component(sh: &Shell, name: &str) -> Result<()> {
    let command = name.trim_start_matches("rust");
    if cmd!(sh, "cargo {command} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok() {
        return Ok(());
    }
    println!("Adding {name} with rustup.");
    cmd!(sh, "rustup component add {name}").run().with_context(|| {
        format!("`cargo {command}` is missing, and rustup did not add it; its output is above")
    })
}

/// Fails if there is no C compiler, which SQLite needs. On Windows it is found by other means than PATH, and not checked.
pub(crate) fn ensure_c_compiler() -> Result<()> {
    let named = std::env::var_os("CC").is_some();
    let found = ["cc", "gcc", "clang"].iter().any(|name| which::which(name).is_ok());
    if named || found || cfg!(windows) {
        return Ok(());
    }
    bail!(
        "no C compiler on PATH, and SQLite needs one: `apt-get install build-essential` (Debian, Ubuntu), `dnf install gcc` (Fedora), \
         `xcode-select --install` (macOS), or set CC"
    );
}
