//! Timeouts, limits and threads.

#![allow(clippy::doc_markdown, reason = "the comments of flags are the text of --help")]

use std::num::NonZero;
use std::time::Duration;

use clap::Args;
use drawbridge::{ConnectionOptions, DeadlinePolicy, Limits};

/// Timeouts, limits and threads.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Calls and limits")]
pub struct CallArgs {
    /// Timeout of calls that send no grpc-timeout
    ///
    /// Such as 30s. It applies to streams too. Set it if clients send no deadlines. Default: no timeout, or --max-deadline.
    #[arg(long, env = "DRAWBRIDGE_DEFAULT_DEADLINE", value_name = "TIME", value_parser = super::parse::timeout)]
    pub default_deadline: Option<Duration>,

    /// Maximum timeout of any call
    ///
    /// Such as 5m. A longer grpc-timeout is shortened to it, and calls without one get it unless --default-deadline is
    /// shorter. Set it to keep no call open for longer. Default: no maximum.
    #[arg(long, env = "DRAWBRIDGE_MAX_DEADLINE", value_name = "TIME", value_parser = super::parse::timeout)]
    pub max_deadline: Option<Duration>,

    /// Maximum time that a call may be open
    ///
    /// Such as 55s, give or take a tenth. The call then ends with UNAVAILABLE and a retry pushback, with whatever deadline. Set it below the
    /// time after which a balancer in front cuts streams without a status. Default: no maximum.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_STREAM_DURATION",
        value_name = "TIME",
        value_parser = super::parse::timeout
    )]
    pub max_stream_duration: Option<Duration>,

    /// Maximum number of open calls
    ///
    /// A stream counts until it ends. A further call gets RESOURCE_EXHAUSTED. Set it to what the machine's memory can hold.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_CALLS",
        value_name = "COUNT",
        default_value_t = Limits::new().max_calls,
        value_parser = super::parse::count
    )]
    pub max_calls: usize,

    /// Maximum number of open streams of one HTTP/2 connection
    ///
    /// Sent to clients as SETTINGS_MAX_CONCURRENT_STREAMS. A client's further calls wait, or use another connection. Raise it
    /// for clients that put many calls on one connection, such as another proxy.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_STREAMS",
        value_name = "COUNT",
        default_value_t = ConnectionOptions::new().max_streams,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_streams: u32,

    /// Maximum size of a request message, in bytes
    ///
    /// A larger message ends its call with RESOURCE_EXHAUSTED before any of it is read into memory or forwarded. Raise it for
    /// upstreams that take larger messages; most servers have a limit of their own, often of 4 MiB, and so have the sample
    /// services. Responses are not limited, except for --max-held-response-bytes. Range: 1 to 4294967295.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_MESSAGE_BYTES",
        value_name = "BYTES",
        default_value_t = Limits::new().max_message_bytes,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_message_bytes: u32,

    /// Maximum size of a response message that is held, in bytes
    ///
    /// The message of a unary Connect call is held until the status of the call is known. A larger one ends its call with
    /// RESOURCE_EXHAUSTED. All other responses are passed on as they come, and are not limited. Raise it for methods that respond with
    /// larger messages; each open call may then hold as much memory. Range: 1 to 4294967295.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_HELD_RESPONSE_BYTES",
        value_name = "BYTES",
        default_value_t = Limits::new().max_held_response_bytes,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_held_response_bytes: u32,

    /// Maximum size of the headers of a request, in bytes
    ///
    /// The target, and the names and values of the headers, with 4 bytes more for each header over HTTP/1.1 and 32 over HTTP/2.
    /// A call with larger headers gets RESOURCE_EXHAUSTED; over twice this size, and for what is no call, the answer is HTTP
    /// status 431. Raise it if clients send large metadata, such as long tokens. Over HTTP/1.1 a request has at most 100
    /// headers, whatever their size. Range: 8192 to 1048576.
    #[arg(
        long,
        env = "DRAWBRIDGE_MAX_HEADER_BYTES",
        value_name = "BYTES",
        default_value_t = Limits::new().max_header_bytes,
        value_parser = clap::value_parser!(u32).range(8192..=1_048_576)
    )]
    pub max_header_bytes: u32,

    /// Number of threads that serve calls
    ///
    /// Each thread serves its own connections, with its own connections to upstreams; a call costs the same with any number of
    /// threads. Lower it to leave cores to other programs. Default: the number of CPU cores that the process may use, by its
    /// affinity and the quota of its cgroup. Range: 1 to 1024.
    #[arg(
        long,
        env = "DRAWBRIDGE_THREADS",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(1..=1024)
    )]
    pub threads: Option<u16>,
}

impl CallArgs {
    /// Returns how many threads serve calls.
    pub fn threads(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, NonZero::get);
        self.threads.map_or_else(available, usize::from)
    }

    /// Returns the timeouts that calls are granted.
    pub(crate) fn deadlines(&self) -> DeadlinePolicy {
        DeadlinePolicy::new()
            .with_default(self.default_deadline)
            .with_max(self.max_deadline)
            .with_max_duration(self.max_stream_duration)
    }

    /// Returns how much the bridge takes on.
    pub(crate) fn limits(&self) -> Limits {
        Limits::new()
            .with_max_calls(self.max_calls)
            .with_max_message_bytes(self.max_message_bytes)
            .with_max_held_response_bytes(self.max_held_response_bytes)
            .with_max_header_bytes(self.max_header_bytes)
    }

    /// Returns how connections are kept, without TLS.
    pub(crate) fn connection_options(&self) -> ConnectionOptions {
        ConnectionOptions::new()
            .with_max_streams(self.max_streams)
            // Heads up to this size are read, so that the bridge can refuse them with a status.
            .with_max_header_bytes(2 * self.max_header_bytes)
    }
}
