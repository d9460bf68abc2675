//! What a call costs over the bridge: beside Envoy, the floor and other peers ([`measure`]), or beside another build of the
//! bridge ([`compare`]).
//!
//! The upstream is in this process ([`service`]). A [`target`] is a process of its own, which runs a [`program`] and does a
//! [`workload`], whose calls [`load`] makes. [`cpu`] reads the CPU time of targets from `/proc` in rounds, [`callgrind`]
//! counts their instructions, on [`one_cpu`]. [`report`], [`table`] and [`comparison`] are what is printed, and [`limits`] what
//! fails. `cargo xtask bench` builds and installs what this program needs.

// A failed measurement panics, and all counts are small enough for an exact `f64`.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod bridge;
mod callgrind;
mod certificate;
mod compare;
mod comparison;
mod cpu;
mod envoy;
mod limits;
mod load;
mod measure;
mod one_cpu;
mod open_files;
mod program;
mod report;
mod service;
mod table;
mod target;
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::callgrind::Callgrind;
use crate::compare::Compare;
use crate::measure::Measure;

/// Measures what a call costs over the bridge.
#[derive(Parser)]
enum Bench {
    /// Beside Envoy, the floor and other peers
    Peers(Measure),
    /// Beside another build of the bridge
    Compare {
        /// The other build
        #[arg(long)]
        old: PathBuf,
        /// What the other build is called in the table
        #[arg(long)]
        revision: String,
        #[arg(long)]
        new: PathBuf,
        #[arg(long)]
        valgrind: PathBuf,
        /// The largest ratio of instructions that is allowed, in any row
        #[arg(long)]
        max_ratio: Option<f64>,
        /// Measure only the rows whose names contain this
        #[arg(default_value = "")]
        only: String,
    },
    /// Serve the service that is measured on a free port, and print its address
    Host { router: Router },
}

/// The router that a hosted service is behind.
#[derive(Clone, Copy, ValueEnum)]
enum Router {
    /// The bridge's
    Bridge,
    /// tonic-web's layer in axum
    TonicWeb,
    /// The gRPC-Web layer and the CALL layer in axum
    CallLayer,
    /// The gRPC-Web layer in axum
    NoCallLayer,
}

fn main() -> Result<()> {
    match Bench::parse() {
        Bench::Peers(measure) => measure.run(),
        Bench::Compare { old, revision, new, valgrind, max_ratio, only } => {
            let callgrind = Callgrind { valgrind };
            Compare { old, revision, new, callgrind, only, max_ratio }.run()
        }
        Bench::Host { router: Router::Bridge } => service::host(service::with_bridge),
        Bench::Host { router: Router::TonicWeb } => service::host(service::with_tonic_web),
        Bench::Host { router: Router::CallLayer } => service::host(service::with_call_layer),
        Bench::Host { router: Router::NoCallLayer } => service::host(service::without_call_layer),
    }
}
