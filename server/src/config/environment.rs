//! Variables of the environment that look like a flag's, and are none.

use std::env;
use std::ffi::OsStr;

use clap::error::ErrorKind;
use clap::{Arg, Command};

/// What the variables of flags begin with.
const PREFIX: &str = "DRAWBRIDGE_";

/// How similar a name is to the one that was probably meant, from 0 to 1, as for the flags of clap.
const SIMILAR: f64 = 0.7;

/// Checks that each variable with our prefix is that of a flag. A misspelt one would silently leave a flag at its default.
///
/// # Errors
///
/// Returns an error for the first variable of no flag, with the name that was probably meant.
pub(super) fn check(command: &mut Command) -> Result<(), clap::Error> {
    // Those that are not Unicode have no such name.
    let variables = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    match unknown(command, variables) {
        None => Ok(()),
        Some(message) => Err(command.error(ErrorKind::UnknownArgument, message)),
    }
}

/// Returns what is wrong with the first variable of no flag.
fn unknown<V: AsRef<OsStr>>(
    command: &Command,
    variables: impl IntoIterator<Item = (String, V)>,
) -> Option<String> {
    let known: Vec<_> = command.get_arguments().filter_map(Arg::get_env).filter_map(OsStr::to_str).collect();
    let mut unknown: Vec<_> = variables
        .into_iter()
        .filter(|(name, value)| {
            name.starts_with(PREFIX)
                && !known.contains(&name.as_str())
                && !is_of_kubernetes(name, value.as_ref())
        })
        .map(|(name, _)| name)
        .collect();
    unknown.sort();
    let name = unknown.into_iter().next()?;
    let similarity = |known: &str| strsim::jaro(&known[PREFIX.len()..], &name[PREFIX.len()..]);
    let meant = known.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    Some(match meant.filter(|meant| similarity(meant) > SIMILAR) {
        Some(meant) => format!("the environment variable {name} is that of no flag; {meant} is similar"),
        None => {
            format!(
                "the environment variable {name} is that of no flag; --help lists the variables of all flags"
            )
        }
    })
}

/// Returns whether Kubernetes sets a variable of this name, in every container beside a Service whose name begins like ours:
/// `DRAWBRIDGE_SERVICE_HOST`, `DRAWBRIDGE_PORT` and the like.
fn is_of_kubernetes(name: &str, value: &OsStr) -> bool {
    let is_url = || value.to_str().is_some_and(|value| value.contains("://"));
    let is_of_port = || {
        let port = name.rsplit_once("_PORT_").map(|(_, rest)| rest.split('_').collect::<Vec<_>>());
        matches!(
            port.as_deref(),
            Some([number, "TCP" | "UDP" | "SCTP"] | [number, "TCP" | "UDP" | "SCTP", "PORT" | "PROTO" | "ADDR"])
                if number.parse::<u16>().is_ok()
        )
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && (is_url() || name.contains("_TCP_") || name.contains("_UDP_")))
        || is_of_port()
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    fn message(name: &str, value: &str) -> Option<String> {
        unknown(&command(), [(name.to_owned(), value)])
    }

    #[test]
    fn a_misspelt_variable_names_the_one_that_was_meant() {
        for (name, meant) in [
            ("DRAWBRIDGE_UPSTREEM", "DRAWBRIDGE_UPSTREAM"),
            ("DRAWBRIDGE_UPSTREAMS", "DRAWBRIDGE_UPSTREAM"),
            ("DRAWBRIDGE_ALLOW_ORIGINS", "DRAWBRIDGE_ALLOW_ORIGIN"),
            ("DRAWBRIDGE_MAX_MESSAGE_SIZE", "DRAWBRIDGE_MAX_MESSAGE_BYTES"),
            ("DRAWBRIDGE_LOGFORMAT", "DRAWBRIDGE_LOG_FORMAT"),
            ("DRAWBRIDGE_", "--help"),
            ("DRAWBRIDGE_XYZZY", "--help"),
        ] {
            let message = message(name, "1").expect(name);
            assert!(message.contains(name) && message.contains(meant), "{message}");
        }
    }

    #[test]
    fn variables_of_flags_of_others_and_of_kubernetes_are_left_alone() {
        for (name, value) in [
            ("DRAWBRIDGE_UPSTREAM", "http://a"),
            ("DRAWBRIDGE_MAX_CALLS", "1"),
            ("PATH", "/bin"),
            ("drawbridge_upstream", "a"),
            ("DRAWBRIDGE_SERVICE_HOST", "10.0.0.1"),
            ("DRAWBRIDGE_SERVICE_PORT", "8080"),
            ("DRAWBRIDGE_SERVICE_PORT_GRPC", "8080"),
            ("DRAWBRIDGE_PORT", "tcp://10.0.0.1:8080"),
            ("DRAWBRIDGE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("DRAWBRIDGE_PORT_8080_TCP_PROTO", "tcp"),
            ("DRAWBRIDGE_PORT_8080_TCP_PORT", "8080"),
            ("DRAWBRIDGE_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("DRAWBRIDGE_CONSOLE_PORT_53_UDP_ADDR", "10.0.0.1"),
        ] {
            assert_eq!(message(name, value), None, "{name}");
        }
        assert!(message("DRAWBRIDGE_PORT", "8080").is_some());
    }
}
