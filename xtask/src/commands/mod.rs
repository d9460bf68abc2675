//! The commands, one file each.

pub(crate) mod api;
pub(crate) mod bench;
pub(crate) mod ci;
pub(crate) mod conformance;
pub(crate) mod conformance_json;
pub(crate) mod deps;
pub(crate) mod dev;
pub(crate) mod docs;
pub(crate) mod lighthouse;
pub(crate) mod lint;
pub(crate) mod nightly;
pub(crate) mod package;
pub(crate) mod page;
pub(crate) mod picture;
pub(crate) mod rolling;
pub(crate) mod run;
pub(crate) mod soak;
pub(crate) mod test;
pub(crate) mod tidy;
pub(crate) mod trunk_hook;
