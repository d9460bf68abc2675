//! Calls with JSON messages.

#![allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of flags are the text of --help")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use drawbridge::MethodPattern;

/// Calls with JSON messages.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "JSON")]
pub struct JsonArgs {
    /// Whether calls may have JSON messages
    ///
    /// With on, a POST of application/json to /package.Service/Method is a call, and so are calls of Connect, gRPC-Web and gRPC whose
    /// messages are JSON. They are translated for servers that take protobuf. What may be called is the same as without JSON. The
    /// messages' contract is in --descriptors; if it is not there, the upstream's reflection is asked for it, without the credentials of
    /// any caller. With off, JSON is passed on to upstreams as it is, and hosted services refuse it.
    #[arg(
        long,
        env = "DRAWBRIDGE_JSON",
        value_name = "on|off",
        default_value = "on",
        hide_possible_values = true
    )]
    pub json: OnOff,

    /// Methods that may be called with JSON (repeatable)
    ///
    /// PATTERN is a method such as shop.Catalog/List, a service such as shop.Catalog, a package such as shop.*, or * for all.
    /// Set it for upstreams that take JSON themselves: calls of other methods are passed on to them as they are.
    #[arg(
        long,
        env = "DRAWBRIDGE_JSON_SERVICES",
        value_name = "PATTERN",
        value_delimiter = ',',
        default_value = "*"
    )]
    pub json_services: Vec<MethodPattern>,

    /// File with the contracts of services that are called with JSON (repeatable)
    ///
    /// FILE is a FileDescriptorSet, as `protoc --include_imports --descriptor_set_out=FILE` and `buf build -o FILE` write it. Set it for
    /// upstreams without reflection. It is read again when it changes; if it cannot be read then, the old contracts stay.
    /// Default: none, and upstreams are asked by reflection.
    #[arg(long, env = "DRAWBRIDGE_DESCRIPTORS", value_name = "FILE", value_delimiter = ',')]
    pub descriptors: Vec<PathBuf>,
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnOff {
    /// It is on.
    On,
    /// It is off.
    Off,
}
