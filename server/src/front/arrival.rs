//! What is known of a call when it arrives.

use super::content_type::FrontProtocol;
use crate::upstream::Route;

/// What the layers of the front tell those behind them of a call: one extension of its request for all of it, since each
/// one costs memory of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival {
    /// The form that the caller speaks, once it was read.
    pub(crate) protocol: FrontProtocol,
    /// Where the call goes, if it is not hosted.
    pub(crate) route: Option<Route>,
}
