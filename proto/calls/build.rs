//! Generates Rust from `calls.proto`, with protox instead of `protoc`, and writes its descriptors.

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
        // Clients work over any transport. tonic's own transport does not compile to WASM.
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
