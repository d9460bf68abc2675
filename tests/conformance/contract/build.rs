//! Generates Rust from the suite's .proto files, which are read from its Go module.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;

/// The suite's Go module and version. The runner is installed from the same file.
const MODULE: &str = include_str!("../module");

const CONTRACTS: [&str; 4] = [
    "connectrpc/conformance/v1/config.proto",
    "connectrpc/conformance/v1/service.proto",
    "connectrpc/conformance/v1/server_compat.proto",
    "connectrpc/conformance/v1/client_compat.proto",
];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = module()?.join("proto");
    let descriptors = protox::compile(CONTRACTS, [&folder])?;
    let out = std::env::var_os("OUT_DIR").context("OUT_DIR is not set")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Requests are sent inside `Any`, which needs their type names.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// Returns the folder of the Go module. Go downloads it if necessary.
fn module() -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .output()
        .context("cannot run `go`; install Go 1.24 or newer, from https://go.dev/dl or your packages")?;
    let module: serde_json::Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "cannot read the output of `go mod download` for {MODULE}: {}",
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    ensure!(module.get("Error").is_none(), "Go cannot download {MODULE}: {}", module["Error"]);
    Ok(module["Dir"]
        .as_str()
        .with_context(|| format!("the output of `go mod download` has no folder of {MODULE}"))?
        .into())
}
