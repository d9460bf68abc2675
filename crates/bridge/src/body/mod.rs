//! Building blocks of the bodies that this crate puts around others.

mod coalesce;

pub(crate) use coalesce::Coalesce;
#[cfg(test)]
pub(crate) use coalesce::{LARGE, SMALL};
