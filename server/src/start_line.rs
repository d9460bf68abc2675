//! The log line of the start.

use std::net::SocketAddr;

use crate::config::Config;

/// Logs the start of the program: its version, the flags that differ from the defaults, and who can reach what.
pub fn log_start(config: &Config, address: SocketAddr) {
    let scheme = config.scheme();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        address = %format_args!("{scheme}://{address}"),
        flags = %config.given,
        open_to = open_to(address),
        threads = config.calls.threads(),
        upstreams = config.upstreams.upstream.len(),
        samples = config.hosts_samples(),
        console = console(config, address),
        "started"
    );
}

/// Returns who can reach the listener.
fn open_to(address: SocketAddr) -> &'static str {
    if address.ip().is_loopback() {
        "this machine only"
    } else if address.ip().is_unspecified() {
        "every network of this machine"
    } else {
        "the network of this address"
    }
}

/// Returns whether the console can be reached.
fn console(config: &Config, address: SocketAddr) -> &'static str {
    match (config.has_console(address), config.access.console_token_file.is_some()) {
        (false, _) => "not served",
        (true, false) => "for this machine",
        (true, true) => "for this machine, and with a token",
    }
}
