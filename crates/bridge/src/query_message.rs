//! Messages in the queries of requests.

/// Marks the request of a call whose message came from a query, by its extensions. The message is JSON, and its values are strings, because
/// a query has no types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueryMessage;
