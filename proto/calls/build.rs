//! Compiles the contract with protox, so that no `protoc` is needed, and keeps its descriptors for reflection.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

const CONTRACT: &str = "calls.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONTRACT}");
    let descriptors = protox::compile([CONTRACT], ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Generated clients work over any transport; tonic's own `connect` does not compile to WASM.
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
