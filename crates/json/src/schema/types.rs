//! Symbols, and the plans of those that were used.

use std::sync::OnceLock;

use super::compile;
use super::kind::{EnumId, MessageId};
use super::plan::{EnumPlan, MessagePlan};
use super::symbols::Symbols;

/// Symbols, and their plans. A plan is made when it is first used, so that a schema costs what is called of it, and an import
/// that is missing is no error until a message has a field of its type.
pub(crate) struct Types {
    pub(crate) symbols: Symbols,
    messages: Box<[OnceLock<MessagePlan>]>,
    enums: Box<[OnceLock<EnumPlan>]>,
}

impl Types {
    pub(crate) fn new(symbols: Symbols) -> Self {
        let messages = symbols.messages.iter().map(|_| OnceLock::new()).collect();
        let enums = symbols.enums.iter().map(|_| OnceLock::new()).collect();
        Self { symbols, messages, enums }
    }

    /// Returns the plan of a message.
    pub(crate) fn message(&self, id: MessageId) -> &MessagePlan {
        self.messages[id.0 as usize].get_or_init(|| compile::message(&self.symbols, id))
    }

    /// Returns the plan of an enumeration.
    pub(crate) fn enumeration(&self, id: EnumId) -> &EnumPlan {
        self.enums[id.0 as usize].get_or_init(|| compile::enumeration(&self.symbols.enums[id.0 as usize]))
    }

    /// Returns the full name of an enumeration.
    pub(crate) fn enum_name(&self, id: EnumId) -> &str {
        &self.symbols.enums[id.0 as usize].name
    }

    /// Returns the full name of a message.
    pub(crate) fn name(&self, id: MessageId) -> &str {
        &self.symbols.messages[id.0 as usize].name
    }
}
