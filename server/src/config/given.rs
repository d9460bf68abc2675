//! Which flags were given, for the log.

use std::fmt;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// The flags whose values are not the defaults, as a command line. None of them is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GivenFlags(String);

impl GivenFlags {
    /// Reads which flags were given, on the command line or in the environment.
    pub(super) fn read(command: &Command, matches: &ArgMatches) -> Self {
        let flags: Vec<_> = command.get_arguments().filter_map(|flag| given(flag, matches)).collect();
        Self(flags.join(" "))
    }
}

fn given(flag: &Arg, matches: &ArgMatches) -> Option<String> {
    let (id, name) = (flag.get_id().as_str(), flag.get_long()?);
    if matches!(matches.value_source(id), None | Some(ValueSource::DefaultValue)) {
        return None;
    }
    if !flag.get_action().takes_values() {
        return matches.get_flag(id).then(|| format!("--{name}"));
    }
    let values: Vec<_> = matches.get_raw(id)?.map(|value| value.to_string_lossy()).collect();
    if flag.get_default_values().iter().map(|value| value.to_string_lossy()).eq(values.iter().cloned()) {
        return None;
    }
    Some(values.iter().map(|value| format!("--{name} {value}")).collect::<Vec<_>>().join(" "))
}

impl fmt::Display for GivenFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
