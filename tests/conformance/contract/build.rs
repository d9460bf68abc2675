//! Compiles the suite's .proto files, which are in the folder of its Go module and nowhere here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;

/// The module that has the suite, in the version that is run: the runner is installed by the same file.
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
    let out = std::env::var_os("OUT_DIR").context("cargo names the folder for what is built")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    // Requests travel inside `Any`, which needs their names.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// Returns the folder of the Go module, which Go fetches if it is not there.
fn module() -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .output()
        .context("cannot run `go`; install Go 1.24 or newer, from https://go.dev/dl or your packages")?;
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("`go mod download` did not tell of {MODULE}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    ensure!(told.get("Error").is_none(), "Go cannot fetch {MODULE}: {}", told["Error"]);
    Ok(told["Dir"].as_str().with_context(|| format!("Go names no folder of {MODULE}"))?.into())
}
