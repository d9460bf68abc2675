//! The command line and the environment, as one validated struct.

// The comments of the flags are what --help prints, where Markdown would be in the way.
#![allow(clippy::doc_markdown, rustdoc::bare_urls)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};
use drawbridge::{ConnectionOptions, Limits, PoolOptions, ProxyRange, RetryRule, ServicePattern, Upstream};
use http::HeaderValue;
use http::uri::Uri;

mod values;

const ABOUT: &str = "gRPC in the browser, where leaving the page ends the stream, all the way down";

const LONG_ABOUT: &str = "\
Serves gRPC, gRPC-Web and a page on one port. Open the printed address in a browser, type a key, watch progress \
arrive, leave the page: the server's log says `client gone` for the stream that was dropped.";

const EXAMPLES: &str = "\
Examples:
  drawbridge                                    the page and the sample services, on 127.0.0.1:8080
  drawbridge --upstream http://127.0.0.1:50051  browsers may call the gRPC server that is there
  drawbridge --listen 127.0.0.1:50051           the samples, where native gRPC clients look for it
  drawbridge --database users.db                keep the user directory in a file
  drawbridge --log-format json --log debug      more to read, for machines
  drawbridge --allow-origin https://app.example let the pages of another site call
  drawbridge --tls-self-signed                  HTTPS and HTTP/2, for hundreds of streams at a time

Call it with curl:
  printf '\\0\\0\\0\\0\\5\\n\\3ada' | base64 \\
    | curl -s -H 'content-type: application/grpc-web-text' -d @- http://127.0.0.1:8080/greet.Greeter/SayHello \\
    | base64 -d";

/// What the program was asked to do.
#[derive(Clone, Debug, Parser)]
#[command(name = "drawbridge", version, about = ABOUT, long_about = LONG_ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub struct Config {
    /// The address to listen on. Port 0 takes a free one. An address that is not loopback opens the server to the
    /// network.
    #[arg(long, env = "DRAWBRIDGE_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The certificate to serve HTTPS with, and the chain that leads to it, in PEM.
    #[arg(long, env = "DRAWBRIDGE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the certificate, in PEM.
    #[arg(long, env = "DRAWBRIDGE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Serves HTTPS with a certificate that is made at the start, for development: browsers ask whether to go on. Over
    /// HTTPS they speak HTTP/2, and a page may have hundreds of streams instead of six.
    #[arg(long, env = "DRAWBRIDGE_TLS_SELF_SIGNED", conflicts_with_all = ["tls_cert", "tls_key"])]
    pub tls_self_signed: bool,

    /// Forwards calls to the gRPC server at this address: those of a service or of a package, as in
    /// shop.Orders=http://127.0.0.1:50052, or all that nobody else takes, as in http://127.0.0.1:50051. May be given more
    /// than once; the longest name wins, and servers of the same name share its calls. http:// is HTTP/2 without TLS,
    /// https:// with it. The sample services are not served then, unless --samples is given.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM", value_name = "[SERVICE=]URL", value_delimiter = ',')]
    pub upstream: Vec<Upstream>,

    /// The certificates of authorities that upstreams over https:// are checked with, in PEM, instead of the system's.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM_CA", value_name = "FILE", requires = "upstream")]
    pub upstream_ca: Option<PathBuf>,

    /// The most connections to one upstream. Another one is made when it takes no more streams on those that there are.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM_CONNECTIONS", value_name = "COUNT", default_value = "200", value_parser = clap::value_parser!(u32).range(1..))]
    pub upstream_connections: u32,

    /// How much of one answer may wait here for its caller, in bytes: what a caller that reads slowly costs. No more than
    /// this of one answer comes in the time that it takes to the upstream and back, so that one far away may want more.
    #[arg(long, env = "DRAWBRIDGE_UPSTREAM_WINDOW", value_name = "BYTES", default_value_t = PoolOptions::default().stream_window, value_parser = clap::value_parser!(u32).range(16_384..=16_777_216))]
    pub upstream_window: u32,

    /// Tries forwarded calls again that failed with one of these codes, with so many attempts at most, the first one
    /// included: 3:UNAVAILABLE for all calls, shop.Orders/Get=4:UNAVAILABLE,RESOURCE_EXHAUSTED for those of a method, or of
    /// a service or package. May be given more than once; the longest name wins, and shop.Orders/Buy=1 tries nothing
    /// again. All attempts share the call's one deadline, and nothing is tried again once an answer has begun. The waits
    /// between them grow from about 100ms up to 5s, or as 3:UNAVAILABLE:50ms..2s says. In the environment, semicolons
    /// stand between rules. Without this, only what an upstream never looked at is sent again.
    #[arg(
        long,
        env = "DRAWBRIDGE_RETRY",
        value_name = "[NAME=]ATTEMPTS:CODES",
        value_delimiter = ';',
        requires = "upstream"
    )]
    pub retry: Vec<RetryRule>,

    /// Opens services that an upstream without a name keeps closed: channelz, reflection and services that administer
    /// servers. A service, as grpc.reflection.v1.ServerReflection, or a package, as grpc.reflection.*, or *. Reflection
    /// then tells of all services that can be called here, hosted and forwarded ones. May be given more than once.
    #[arg(long, env = "DRAWBRIDGE_EXPOSE", value_name = "PATTERN", value_delimiter = ',')]
    pub expose: Vec<ServicePattern>,

    /// Believes what this proxy says of whom it speaks for, in x-forwarded-for and forwarded: an address, or a range such
    /// as 10.0.0.0/8. May be given more than once. What anybody else says there does not reach an upstream.
    #[arg(long, env = "DRAWBRIDGE_TRUSTED_PROXY", value_name = "ADDRESS", value_delimiter = ',')]
    pub trusted_proxy: Vec<ProxyRange>,

    /// Serves the sample services although calls are forwarded.
    #[arg(long, env = "DRAWBRIDGE_SAMPLES")]
    pub samples: bool,

    /// The SQLite file of the user directory. It is made, with sample users, if it is not there. Without this, the
    /// directory is in memory.
    #[arg(long, env = "DRAWBRIDGE_DATABASE", value_name = "FILE")]
    pub database: Option<PathBuf>,

    /// A folder with a built page, to be served instead of the one inside the program. For development: files are
    /// read anew for each request.
    #[arg(long, env = "DRAWBRIDGE_ASSETS", value_name = "FOLDER")]
    pub assets: Option<PathBuf>,

    /// Where frontend.FrontendService finds user.UserService, such as http://127.0.0.1:50051. Without this, it calls
    /// the one that is inside this program, over HTTP/2 in memory.
    #[arg(long, env = "DRAWBRIDGE_USER_SERVICE", value_name = "URL", value_parser = values::service)]
    pub user_service: Option<Uri>,

    /// Lets the pages of another origin call, such as https://app.example. May be given more than once. Without it,
    /// only the server's own page may.
    #[arg(long, env = "DRAWBRIDGE_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = values::origin)]
    pub allow_origin: Vec<HeaderValue>,

    /// On a loopback address, answers requests to this host name too. May be given more than once. Without it, only
    /// localhost and loopback addresses are answered, so that no foreign name that points here can be used.
    #[arg(long, env = "DRAWBRIDGE_ALLOW_HOST", value_name = "NAME", value_delimiter = ',', value_parser = values::host)]
    pub allow_host: Vec<String>,

    /// The time of calls that ask for none, such as 30s or 250ms. Without it, they may take forever.
    #[arg(long, env = "DRAWBRIDGE_DEFAULT_DEADLINE", value_name = "TIME", value_parser = values::time)]
    pub default_deadline: Option<Duration>,

    /// The most time that any call gets, whatever it asks for, such as 5m.
    #[arg(long, env = "DRAWBRIDGE_MAX_DEADLINE", value_name = "TIME", value_parser = values::time)]
    pub max_deadline: Option<Duration>,

    /// The most calls that may be open at a time. A further one gets RESOURCE_EXHAUSTED.
    #[arg(long, env = "DRAWBRIDGE_MAX_CALLS", value_name = "COUNT", default_value = "20000", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_calls: u32,

    /// The most streams that one HTTP/2 connection may have open.
    #[arg(long, env = "DRAWBRIDGE_MAX_STREAMS", value_name = "COUNT", default_value_t = ConnectionOptions::default().max_streams, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_streams: u32,

    /// The longest message that is taken, in bytes. A longer one gets RESOURCE_EXHAUSTED.
    #[arg(long, env = "DRAWBRIDGE_MAX_MESSAGE_BYTES", value_name = "BYTES", default_value_t = Limits::default().max_message_bytes, value_parser = clap::value_parser!(u32).range(1..=4_194_304))]
    pub max_message_bytes: u32,

    /// The longest head of a request, in bytes. A longer one is answered 431.
    #[arg(long, env = "DRAWBRIDGE_MAX_HEADER_BYTES", value_name = "BYTES", default_value_t = ConnectionOptions::default().max_header_bytes, value_parser = clap::value_parser!(u32).range(8192..=1_048_576))]
    pub max_header_bytes: u32,

    /// How many threads serve calls. One costs least for each call; more of them serve more calls at a time.
    #[arg(long, env = "DRAWBRIDGE_THREADS", value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: u16,

    /// What is logged: a level, or levels of parts, such as info,drawbridge::call=debug.
    #[arg(long, env = "DRAWBRIDGE_LOG", value_name = "FILTER", default_value = "info,memory_serve=warn")]
    pub log: String,

    /// How it is logged, on standard error.
    #[arg(long, env = "DRAWBRIDGE_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

impl Config {
    /// Returns the scheme of the server's address.
    pub fn scheme(&self) -> &'static str {
        if self.tls_self_signed || self.tls_cert.is_some() { "https" } else { "http" }
    }

    /// Tells whether the sample services are served.
    pub(crate) fn serves_samples(&self) -> bool {
        self.samples || self.upstream.is_empty()
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Returns the description of the command line.
pub fn command() -> clap::Command {
    Config::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn semicolons_stand_between_rules_and_commas_between_codes() {
        let text = "3:UNAVAILABLE,ABORTED;shop.Orders/Buy=1";
        let config =
            Config::try_parse_from(["drawbridge", "--upstream", "http://localhost", "--retry", text])
                .unwrap();
        let rules: Vec<RetryRule> = text.split(';').map(|rule| rule.parse().unwrap()).collect();
        assert_eq!(config.retry, rules);
    }
}
