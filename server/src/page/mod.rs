//! The page: the files that a browser loads, and their headers.
//!
//! - [`Page`] serves the files, embedded or from a folder.
//! - `file_name` tells files from views, and files that never change from others.
//! - `views` has the paths of the views.
//! - `content_security_policy` makes the header of that name for `index.html`.

mod content_security_policy;
mod file_name;
mod service;
mod views;

pub use service::{IS_EMBEDDED, Page};
