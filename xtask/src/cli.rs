//! The command line.

use std::ffi::OsString;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::commands::conformance::Side;
use crate::commands::{self, test::Part};
use crate::steps::Steps;
use crate::workspace;

/// Every developer command of Drawbridge.
///
/// A command installs the programs that it needs into the git-ignored folder `.tools/`, and prints what each is for. A program on
/// PATH is used instead if it has the right version. Your programs are never replaced.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
pub(crate) struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build page and server, and run the server; it prints its address
    ///
    /// Page and server are built at the same time. The server has the profile `quick`, which takes less time to build than
    /// `release`, and a third more of the CPU for each call. Use `--release` to measure it or to ship it.
    Run {
        /// Build the server as it is shipped: `target/release/drawbridge`
        #[arg(long)]
        release: bool,
        /// Arguments of the server: try `cargo xtask run -- --help`
        #[arg(last = true, value_name = "SERVER ARGS")]
        args: Vec<OsString>,
    },
    /// Serve the page with live reload, in front of a running server
    Dev {
        /// Arguments of the server
        #[arg(last = true, value_name = "SERVER ARGS")]
        args: Vec<OsString>,
    },
    /// Build the page into dist/, and print the size of its first load
    Page,
    /// Run the tests: native, a client in Python, the page's size, and end to end in headless Chromium
    Test {
        /// Only these parts [default: all]
        #[arg(value_enum)]
        parts: Vec<Part>,
        /// Arguments of the test programs, such as a part of a test's name
        #[arg(last = true, value_name = "TEST ARGS")]
        args: Vec<OsString>,
    },
    /// Run the conformance suite of the Connect project, which covers gRPC and gRPC-Web, and protobuf's for JSON; needs Go
    Conformance {
        /// Only these sides [default: all]
        #[arg(value_enum)]
        sides: Vec<Side>,
    },
    /// Run all static checks: `tidy`, `deps`, rustfmt, clippy (native, each feature, WASM), docs, and `api`
    Lint,
    /// Check the rules of this workspace: lengths of files, places of versions, modules that use each other in a circle
    Tidy,
    /// Build the book into target/book/, check the links of all Markdown, and compile the code in README and book
    Docs,
    /// Compare the public APIs of the libraries with the texts in docs/api/
    Api {
        /// Write the texts instead
        #[arg(long)]
        bless: bool,
    },
    /// Check and package the published crates into target/package/
    Package {
        /// Compile the packages, and fail on what a release must not have: a placeholder, uncommitted changes, no page
        #[arg(long)]
        release: bool,
    },
    /// Check how many packages the library depends on, and which Rust the published packages and their dependencies need
    Deps,
    /// Run everything that must pass before a change is merged: `lint`, `docs`, `test`, `package` and `conformance`
    Ci,
    /// What takes longer than `ci` may, by hand: `bench`, `soak`, `rolling` and `picture`, each step with its time
    Nightly,
    /// Measure what a call costs over the bridge: beside Envoy and other peers, or beside another revision (`--compare`)
    ///
    /// Without `--compare`: CPU time of a unary call and of a streamed message over the bridge, beside Envoy with one worker
    /// (installed into `.tools/`, needs Python 3), beside the floor, which is hyper and `h2` with the least between them, and
    /// beside tonic-web around a channel, vanguard-go and grpcwebproxy (built with Go 1.25 or later; left out without it);
    /// then CPU time and instructions with two threads; then connections, idle streams, aborts, time to the first answer; then
    /// a hosted service beside bare tonic-web and connect-go; then the transport of pages beside connect-web and grpc-web, in
    /// Chromium (bundled with Node.js; left out without it). Ends its standard output with the table in Markdown, and prints its rows
    /// to standard error as they are measured. Fails when a ratio is over its limit. Takes about ten minutes after the build.
    ///
    /// With `--compare REV`: the working tree beside REV, in one run. CPU time is the median of rounds in which the two take
    /// turns. It includes the kernel, and varies with what else the machine does. Instructions a call are counted by
    /// callgrind (of valgrind, which is installed with apt-get where that needs no password), in user space only. They are
    /// repeatable within 0.1 % on a busy machine, so judge a change by them. Needs no Envoy. Takes about five minutes after
    /// the builds.
    ///
    /// REV is built in a git worktree under `target/compare/`, which is removed afterwards. The program is kept there for
    /// the next run; delete the folder to free the space.
    #[command(after_long_help = commands::bench::EXAMPLES)]
    Bench(commands::bench::Options),
    /// Open and leave many streams, one after the other and all at a time, and check that the server frees them
    Soak {
        /// Number of streams, one after the other: a multiple of 1,000
        #[arg(default_value_t = commands::soak::STREAMS, value_parser = clap::value_parser!(u32).range(1000..))]
        streams: u32,
        /// Number of idle streams at a time, through one bridge to one upstream: a multiple of 100
        #[arg(long, default_value_t = commands::soak::IDLE, value_parser = clap::value_parser!(u32).range(1000..=20_000))]
        idle: u32,
    },
    /// Restart two bridges behind a balancer in turn, and check that no unary call fails and each stream ends with a status
    ///
    /// Half of the callers use HTTP/1.1, half HTTP/2, all over loopback. A unary call takes 1 s. Takes about a minute after the
    /// build.
    Rolling {
        /// Number of callers that make one unary call after another, and of open streams
        #[arg(default_value_t = commands::rolling::CALLERS, value_parser = clap::value_parser!(u32).range(2..=200))]
        callers: u32,
        /// Number of restarts
        #[arg(long, default_value_t = commands::rolling::RESTARTS, value_parser = clap::value_parser!(u32).range(2..))]
        restarts: u32,
    },
    /// Judge the first load of the page with Lighthouse: the median performance of five runs of its mobile preset
    ///
    /// Builds page and server in release, and loads the first view of the server's page in Chromium, which Lighthouse slows
    /// down to a slow phone on a slow network. Fails if the median is less than 98. Needs Node.js 20, with which Lighthouse is
    /// installed into `.tools/`. Its figures need a quiet machine, so CI does not run it. Takes about two minutes after the
    /// builds.
    Lighthouse,
    /// Take the README's picture of the page: docs/src/page.png
    Picture,
    /// What Trunk runs before and after its build of the page
    #[command(hide = true)]
    TrunkHook {
        #[arg(value_enum)]
        stage: commands::trunk_hook::Stage,
    },
}

impl Xtask {
    /// Runs the command.
    pub(crate) fn execute(self) -> Result<()> {
        let sh = &workspace::shell()?;
        match self.command {
            Command::Run { release, args } => commands::run::run(sh, release, &args),
            Command::Dev { args } => commands::dev::dev(sh, &args),
            Command::Page => commands::page::page(sh),
            Command::Test { parts, args } => {
                Steps::all(|steps| commands::test::test(sh, steps, &parts, &args))
            }
            Command::Conformance { sides } => {
                Steps::all(|steps| commands::conformance::conformance(sh, steps, &sides))
            }
            Command::Lint => Steps::all(|steps| commands::lint::lint(sh, steps)),
            Command::Tidy => commands::tidy::tidy(sh),
            Command::Docs => Steps::all(|steps| commands::docs::docs(sh, steps)),
            Command::Package { release } => commands::package::package(sh, release),
            Command::Deps => commands::deps::deps(sh),
            Command::Api { bless } => commands::api::api(sh, bless),
            Command::Ci => Steps::all(|steps| commands::ci::ci(sh, steps)),
            Command::Nightly => Steps::all(|steps| commands::nightly::nightly(sh, steps)),
            Command::Bench(options) => commands::bench::bench(sh, &options),
            Command::Soak { streams, idle } => commands::soak::soak(sh, streams, idle),
            Command::Rolling { callers, restarts } => commands::rolling::rolling(sh, callers, restarts),
            Command::Lighthouse => commands::lighthouse::lighthouse(sh),
            Command::Picture => commands::picture::picture(sh),
            Command::TrunkHook { stage } => commands::trunk_hook::trunk_hook(sh, stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_valid() {
        super::Xtask::command().debug_assert();
    }
}
