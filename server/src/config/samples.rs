//! The sample services and the page.

#![allow(clippy::doc_markdown, rustdoc::bare_urls, reason = "the comments of flags are the text of --help")]

use std::path::PathBuf;

use clap::Args;
use http::Uri;

/// The sample services and the page.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Samples and page")]
pub struct SampleArgs {
    /// Hosts the sample services although calls are forwarded
    ///
    /// The samples are Message, greet.Greeter, user.UserService and frontend.FrontendService, with grpc.health.v1.Health and
    /// reflection. Without --upstream they are always hosted.
    #[arg(long, env = "DRAWBRIDGE_SAMPLES")]
    pub samples: bool,

    /// SQLite file of the samples' user directory
    ///
    /// It is created, with sample users, if it does not exist. Default: a directory in memory, with the sample users.
    #[arg(long, env = "DRAWBRIDGE_DATABASE", value_name = "FILE")]
    pub database: Option<PathBuf>,

    /// URL of the user.UserService that the sample frontend.FrontendService calls
    ///
    /// Such as http://127.0.0.1:50051, without a path. Set it to see a call travel over two programs. Default: the
    /// user.UserService of this program, over HTTP/2 in memory.
    #[arg(
        long,
        env = "DRAWBRIDGE_USER_SERVICE",
        value_name = "URL",
        value_parser = super::parse::service_url
    )]
    pub user_service: Option<Uri>,

    /// Folder with a built page to serve instead of the embedded one
    ///
    /// Files are read again for each request. For development of the page.
    #[arg(long, env = "DRAWBRIDGE_ASSETS", value_name = "FOLDER")]
    pub assets: Option<PathBuf>,
}
