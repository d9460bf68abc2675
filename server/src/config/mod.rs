//! The command line and the environment, as one validated struct.
//!
//! Each group of flags is a struct, in the order of `--help`: [`ListenArgs`], [`TlsArgs`], [`UpstreamArgs`], [`JsonArgs`], [`AccessArgs`],
//! [`CallArgs`], [`ShutdownArgs`], [`SampleArgs`], [`LogArgs`]. A default that the library has is taken from the library.
//!
//! `environment` refuses variables of no flag, and `given` says which flags were given.
//! `help` has the texts around the flags, and `parse` the values that are more than a number or a path.

mod access;
mod calls;
mod environment;
mod given;
mod help;
mod json;
mod listening;
mod logging;
mod parse;
mod samples;
mod shutdown;
mod tls;
mod upstreams;

use std::net::SocketAddr;

use clap::{CommandFactory, FromArgMatches as _, Parser};

pub use access::AccessArgs;
pub use calls::CallArgs;
pub use json::{JsonArgs, OnOff};
pub use listening::ListenArgs;
pub use logging::{LogArgs, LogFormat};
pub use samples::SampleArgs;
pub use shutdown::ShutdownArgs;
pub use tls::TlsArgs;
pub use upstreams::UpstreamArgs;

/// The configuration of the program.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "drawbridge",
    version,
    about = help::ABOUT,
    long_about = help::LONG_ABOUT,
    after_help = help::HINT,
    after_long_help = help::EXAMPLES,
    max_term_width = 100
)]
pub struct Config {
    /// Where the program listens.
    #[command(flatten)]
    pub listening: ListenArgs,
    /// The certificate for HTTPS.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Where calls are forwarded to.
    #[command(flatten)]
    pub upstreams: UpstreamArgs,
    /// Calls with JSON messages.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Who may call, and who is trusted.
    #[command(flatten)]
    pub access: AccessArgs,
    /// Timeouts, limits and threads.
    #[command(flatten)]
    pub calls: CallArgs,
    /// How the program stops.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// The sample services and the page.
    #[command(flatten)]
    pub samples: SampleArgs,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
    /// The flags that were given, if [`Config::read`] has read them.
    #[arg(skip)]
    pub(crate) given: given::GivenFlags,
}

impl Config {
    /// Reads the command line and the environment of the process. Exits with an error if either is invalid, or with what
    /// `--help` or `--version` prints. A variable `DRAWBRIDGE_*` of no flag is invalid.
    pub fn read() -> Self {
        let mut command = command();
        let matches = command.get_matches_mut();
        let config = environment::check(&mut command).and_then(|()| Self::from_arg_matches(&matches));
        let config = config.unwrap_or_else(|error| error.format(&mut command).exit());
        Self { given: given::GivenFlags::read(&command, &matches), ..config }
    }

    /// Returns the scheme of the server's address.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_enabled() { "https" } else { "http" }
    }

    /// Returns whether the console is served at this address. It can end any call, so other machines need a token.
    pub(crate) fn has_console(&self, address: SocketAddr) -> bool {
        address.ip().is_loopback() || self.access.console_token_file.is_some()
    }

    /// Returns whether the sample services are hosted.
    pub(crate) fn hosts_samples(&self) -> bool {
        self.samples.samples || self.upstreams.upstream.is_empty()
    }
}

/// Returns the description of the command line.
pub fn command() -> clap::Command {
    Config::command()
}

#[cfg(test)]
mod tests {
    use drawbridge::{ConnectionOptions, Limits, PoolOptions, RetryRule};

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, clap::Error> {
        Config::try_parse_from([&["drawbridge"], arguments].concat())
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.calls.limits(), Limits::default());
        assert_eq!(config.upstreams.pool_options(), PoolOptions::default());
        let (options, default) = (config.calls.connection_options(), ConnectionOptions::default());
        assert_eq!(
            (options.max_streams, options.max_header_bytes),
            (default.max_streams, default.max_header_bytes)
        );
    }

    #[test]
    fn each_flag_has_a_heading_a_variable_and_a_summary_of_one_line() {
        for flag in command().get_arguments() {
            let name = flag.get_long().unwrap();
            assert!(flag.get_help_heading().is_some(), "--{name}");
            let variable = format!("DRAWBRIDGE_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(flag.get_env().unwrap().to_str(), Some(variable.as_str()));
            let summary = flag.get_help().unwrap().to_string();
            assert!(summary.len() <= 80 && !summary.ends_with('.'), "--{name}: {summary}");
        }
    }

    #[test]
    fn retry_rules_are_separated_by_semicolons_and_their_codes_by_commas() {
        let text = "3:UNAVAILABLE,ABORTED;shop.Orders/Buy=1";
        let config = parse(&["--upstream", "http://localhost", "--retry", text]).unwrap();
        let rules: Vec<RetryRule> = text.split(';').map(|rule| rule.parse().unwrap()).collect();
        assert_eq!(config.upstreams.retry, rules);
    }

    #[test]
    fn an_error_quotes_the_value_and_says_what_is_expected() {
        for (arguments, value, expected) in [
            (["--listen", "nowhere"], "nowhere", "127.0.0.1:8080"),
            (["--max-calls", "0"], "0", "1 or more"),
            (["--max-calls", "many"], "many", "1 or more"),
            (["--upstream-connections", "-"], "-", "1 or more"),
            (["--max-wait", "0s"], "0s", "at least 1ms"),
            (["--upstream-connection-age", "10"], "10", "30s"),
            (["--max-header-bytes", "1"], "1", "8192..=1048576"),
            (["--default-deadline", "30"], "30", "30s"),
            (["--max-deadline", "0s"], "0s", "leave out the flag"),
            (["--allow-origin", "app.example"], "app.example", "https://app.example"),
            (["--allow-host", "http://a"], "http://a", "bridge.example"),
            (["--user-service", "https://a"], "https://a", "http://127.0.0.1:50051"),
            (["--upstream", "localhost:50051"], "localhost:50051", "http://127.0.0.1:50051"),
            (["--expose", "a.*.b"], "a.*.b", "grpc.reflection.*"),
            (["--get", "shop.*/List"], "shop.*/List", "shop.Catalog/List"),
            (["--json", "true"], "true", "on, off"),
            (["--json-services", "shop.*/List"], "shop.*/List", "shop.Catalog/List"),
            (["--trusted-proxy", "10.0.0.0/33"], "10.0.0.0/33", "10.0.0.0/8"),
            (["--log-format", "xml"], "xml", "json"),
        ] {
            let error = parse(&arguments).unwrap_err().to_string();
            assert!(error.contains(arguments[0]) && error.contains(value), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }
}
