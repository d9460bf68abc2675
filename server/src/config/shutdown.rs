//! How the program stops.

#![allow(clippy::doc_markdown, reason = "the comments of flags are the text of --help")]

use std::time::Duration;

use clap::Args;

/// How the program stops.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Shutdown")]
pub struct ShutdownArgs {
    /// How long open calls may go on after SIGTERM
    ///
    /// At SIGTERM the program accepts no more calls. Calls that are open after this time end with UNAVAILABLE and a retry
    /// pushback of up to a second. Ctrl-C ends them at once, and so does a second SIGTERM, without a status. Set it below the
    /// time after which the supervisor kills the program, such as Kubernetes' terminationGracePeriodSeconds.
    #[arg(
        long,
        env = "DRAWBRIDGE_DRAIN",
        value_name = "TIME",
        default_value = "20s",
        value_parser = super::parse::time_or_zero
    )]
    pub drain: Duration,

    /// How long connections are accepted after SIGTERM
    ///
    /// /readyz is 503 from the first moment on. Set it to the time that a balancer takes to notice, such as 5s, so that no
    /// connection is refused before. --drain counts from its end.
    #[arg(
        long,
        env = "DRAWBRIDGE_DRAIN_DELAY",
        value_name = "TIME",
        default_value = "0s",
        value_parser = super::parse::time_or_zero
    )]
    pub drain_delay: Duration,
}
