//! Messages of a schema.

use std::fmt;
use std::sync::Arc;

use super::kind::{Kind, MessageId};
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

    /// Returns whether the message has a field with this path, such as `user.name`, by names in JSON or in the contract.
    pub(crate) fn has_field(&self, path: &str) -> bool {
        let mut message = Some(self.id);
        path.split('.').all(|name| {
            let Some(plan) = message.map(|id| self.types.message(id)) else { return false };
            let Some(index) = plan.by_name(name, 0) else { return false };
            message = match plan.fields[index].kind {
                Kind::Message(id) => Some(id),
                _ => None,
            };
            true
        })
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
