//! Programs that are built with Go: those of the protocol's conformance suite, and peers of the bench.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::workspace;

/// Module and version of the suite. The crate that compiles the suite's contracts reads the same file.
const MODULE: &str = include_str!("../../tests/conformance/module");

/// Returns the path of the suite's program `name`, after installing it into `.tools/` if it is not there.
pub(crate) fn ensure_conformance(sh: &Shell, name: &str) -> Result<PathBuf> {
    ensure_go()?;
    let (module, version) =
        MODULE.split_once('@').context("tests/conformance/module: expected MODULE@VERSION")?;
    let folder = workspace::tools().join("conformance").join(version);
    let program = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        println!(
            "Installing {name} of the protocol's conformance suite into .tools/ with Go. This takes minutes, once."
        );
        cmd!(sh, "go install {module}/cmd/{name}@{version}").env("GOBIN", &folder).run().context(
            "Go did not install the program; its output is above. Only the first run needs the network",
        )?;
    }
    Ok(program)
}

/// grpcwebproxy, which has no releases after this one.
const GRPCWEBPROXY: &str = "github.com/improbable-eng/grpc-web/go/grpcwebproxy@v0.15.0";

/// Builds the peers of the bench that are written in Go into `.tools/go-peers/`, and returns the folder. Without Go there are
/// none.
pub(crate) fn build_peers(sh: &Shell) -> Result<Option<PathBuf>> {
    if which::which("go").is_err() {
        eprintln!("No `go` on PATH: vanguard-go, connect-go and grpcwebproxy are not measured.");
        return Ok(None);
    }
    let folder = workspace::tools().join("go-peers");
    sh.create_dir(&folder)?;
    let failed = "Go did not build the peers; its output is above. Only the first run needs the network";
    if !folder.join("grpcwebproxy").is_file() {
        eprintln!("Installing grpcwebproxy into .tools/ with Go: the bench measures it.");
        cmd!(sh, "go install {GRPCWEBPROXY}").env("GOBIN", &folder).run().context(failed)?;
    }
    cmd!(sh, "go build -C tests/bench/peers -o {folder} ./connect ./vanguard").run().context(failed)?;
    Ok(Some(folder))
}

/// Fails if there is no Go.
fn ensure_go() -> Result<()> {
    if which::which("go").is_err() {
        bail!(
            "no `go` on PATH, and the conformance suite is installed with it: install Go 1.24 or later from https://go.dev/dl"
        );
    }
    Ok(())
}
