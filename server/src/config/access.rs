//! Who may call, and who is trusted.

#![allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of flags are the text of --help")]

use std::path::PathBuf;

use clap::Args;
use drawbridge::ProxyRange;
use http::HeaderValue;

/// Who may call, and who is trusted.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Origin whose pages may call (CORS) (repeatable)
    ///
    /// ORIGIN is a scheme and a host, with the port if it is not the scheme's, such as https://app.example. Set it if your
    /// page is served from another origin than this server. Default: only pages of this server's own origin may call.
    /// Cookies and other credentials of the browser are not allowed in either case.
    #[arg(
        long,
        env = "DRAWBRIDGE_ALLOW_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = super::parse::origin
    )]
    pub allow_origin: Vec<HeaderValue>,

    /// Host name to accept on a loopback address (repeatable)
    ///
    /// NAME has no scheme, port or path, such as bridge.example. On a loopback address, requests to other names than
    /// localhost and loopback addresses are answered with 421, because a web site can point its own name at 127.0.0.1 (DNS
    /// rebinding). Set it if a proxy on this machine passes on the public name. On other addresses all names are accepted.
    #[arg(
        long,
        env = "DRAWBRIDGE_ALLOW_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = super::parse::host
    )]
    pub allow_host: Vec<String>,

    /// Proxy whose Forwarded and X-Forwarded-For headers are trusted (repeatable)
    ///
    /// An address, or a CIDR range such as 10.0.0.0/8. Set it if a proxy or load balancer is in front of this server:
    /// upstreams then receive the address of the client that the proxy names. Default: none. From other peers these headers
    /// are replaced by the address of the connection.
    #[arg(long, env = "DRAWBRIDGE_TRUSTED_PROXY", value_name = "ADDRESS", value_delimiter = ',')]
    pub trusted_proxy: Vec<ProxyRange>,

    /// File with the token that opens the console to other machines
    ///
    /// One line of at least 20 printable characters, such as the output of `openssl rand -hex 32`. The console lists calls
    /// and ends them. Clients of this machine need no token; clients of other machines, and those that a proxy passes on (Forwarded,
    /// X-Forwarded-*, X-Real-IP or Via), send it in x-drawbridge-token. SIGHUP reads the file again. Default: no other client may use
    /// the console, and on addresses that are not loopback it is not served.
    #[arg(long, env = "DRAWBRIDGE_CONSOLE_TOKEN_FILE", value_name = "FILE")]
    pub console_token_file: Option<PathBuf>,
}
