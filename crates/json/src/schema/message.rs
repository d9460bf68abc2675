//! Messages of a schema.

use std::fmt;
use std::sync::Arc;

use super::kind::MessageId;
use super::types::Types;

/// A message of a [`Schema`](crate::Schema). A clone is the same message.
#[derive(Clone)]
pub struct Message {
    types: Arc<Types>,
    id: MessageId,
}

impl Message {
    pub(crate) fn new(types: Arc<Types>, id: MessageId) -> Self {
        Self { types, id }
    }

    /// Returns the full name: `package.Message`.
    pub fn full_name(&self) -> &str {
        self.types.name(self.id)
    }

    pub(crate) fn parts(&self) -> (&Types, MessageId) {
        (&self.types, self.id)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Message").field(&self.full_name()).finish()
    }
}
