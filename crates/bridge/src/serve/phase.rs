//! How far the end of a server has come.

/// How far the end of a server has come. Its connections watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Connections and calls are accepted.
    Running,
    /// Connections leave. The listener is open for clients that do not know yet.
    Draining,
    /// The listener is closed.
    Closed,
}
