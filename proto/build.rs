//! Generates Rust from the `.proto` files, with protox instead of `protoc`, and writes their descriptors.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

const CONTRACTS: [&str; 4] = ["message.proto", "greet.proto", "user.proto", "frontend.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for contract in CONTRACTS {
        println!("cargo::rerun-if-changed={contract}");
    }
    let descriptors = protox::compile(CONTRACTS, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Clients work over any transport. tonic's own transport does not compile to WASM.
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
