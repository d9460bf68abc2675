//! What a call costs over the bridge, beside Envoy, and what a hosted one costs beside bare tonic-web.
//!
//! `drawbridge-bench BRIDGE ENVOY [ONLY]` starts everything and prints one table. The upstream is in this process ([`service`]); who
//! is measured ([`contestant`]) is in a process of its own, whose CPU time and memory are read from `/proc`. [`load`] makes
//! the calls, [`measure`] the rounds of them, and [`table`] prints what came of it. `hosted` and `bare` are such
//! processes: the service behind a bridge's router, and behind tonic-web's.

// A measurement that fails to measure shall panic, and what is counted fits into any mantissa.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss)]

mod contestant;
mod load;
mod measure;
mod service;
mod table;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hosted"] => service::host(service::with_bridge),
        ["bare"] => service::host(service::with_tonic_web),
        [bridge, envoy, ref only @ ..] => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(measure::all(bridge, envoy, &only.concat()))
        }
        _ => bail!("expected the paths of drawbridge and of envoy"),
    }
}
