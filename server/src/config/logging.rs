//! What is logged.

#![allow(clippy::doc_markdown, reason = "the comments of flags are the text of --help")]

use clap::{Args, ValueEnum};

/// What is logged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct LogArgs {
    /// What to log: a level, or levels of modules
    ///
    /// The levels are error, warn, info, debug, trace and off. MODULE=LEVEL after a comma sets the level of one module. Each
    /// call logs two lines at level info under drawbridge::call: info,drawbridge::call=warn turns them off. debug adds
    /// details of connections.
    #[arg(long, env = "DRAWBRIDGE_LOG", value_name = "FILTER", default_value = "info,memory_serve=warn")]
    pub log: String,

    /// Format of log lines, which go to standard error
    #[arg(
        long,
        env = "DRAWBRIDGE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value_t = LogFormat::Text,
        value_enum
    )]
    pub log_format: LogFormat,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people, in colour on a terminal
    Text,
    /// One JSON object per line
    Json,
}
