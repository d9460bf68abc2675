//! Where the program listens.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    reason = "the comments of flags are the text of --help"
)]

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

/// The listener.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Listening")]
pub struct ListenArgs {
    /// Address and port to listen on
    ///
    /// Port 0 chooses a free port. The program prints its address once it accepts connections. Change it to be reached
    /// from other machines: 0.0.0.0:8080 listens on all IPv4 addresses, [::]:8080 on all addresses. On an address that is
    /// not loopback, requests to any host name are accepted, and the console (drawbridge.calls.v1), which can end any call,
    /// is not served.
    #[arg(
        long,
        env = "DRAWBRIDGE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = super::parse::address
    )]
    pub listen: SocketAddr,

    /// Maximum number of open connections from clients
    ///
    /// Further ones wait in the system's queue until one closes. Default: 10000, or less if the limit of open files (ulimit -Hn)
    /// leaves less, with a reserve for upstreams.
    #[arg(long, env = "DRAWBRIDGE_MAX_CONNECTIONS", value_name = "COUNT", value_parser = super::parse::count)]
    pub max_connections: Option<usize>,

    /// Maximum age of a connection from a client
    ///
    /// Such as 30m, give or take a tenth. An older one gets GOAWAY, or connection: close, and its calls may go on for --drain. Set it
    /// so that clients spread over servers that were added. Default: any age.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_CONNECTION_AGE",
        value_name = "TIME",
        value_parser = super::parse::timeout
    )]
    pub max_connection_age: Option<Duration>,
}
