//! What is known of methods by their descriptors.

use hashbrown::HashMap;

/// The kinds of methods, by their paths. A method that is not here may be of any kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct MethodKinds(HashMap<String, MethodKind>);

/// The kind of a method. What knows it of a call may insert it into the extensions of the response, for the form in which the call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MethodKind {
    pub(crate) streams_requests: bool,
    pub(crate) streams_responses: bool,
    /// Whether its contract declares that it has no side effects.
    pub(crate) is_safe: bool,
}

impl MethodKinds {
    /// Adds the methods of an encoded `FileDescriptorSet`.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not such a set.
    #[cfg(feature = "descriptors")]
    pub(crate) fn add(&mut self, descriptors: &[u8]) -> Result<(), prost::DecodeError> {
        use prost::Message as _;

        for file in prost_types::FileDescriptorSet::decode(descriptors)?.file {
            let package = file.package();
            let prefix = if package.is_empty() { String::new() } else { format!("{package}.") };
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{prefix}{}/{}", service.name(), method.name());
                    self.0.insert(path, MethodKind::of(method));
                }
            }
        }
        Ok(())
    }

    /// Returns whether a method takes exactly one message. `false` if it is not known.
    pub(crate) fn takes_one_message(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|kind| !kind.streams_requests)
    }

    /// Returns the kind of a method, or `None` if it is not known.
    pub(crate) fn get(&self, path: &str) -> Option<MethodKind> {
        self.0.get(path).copied()
    }

    /// Returns whether a method is declared to have no side effects.
    pub(crate) fn is_safe(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|kind| kind.is_safe)
    }
}

impl MethodKind {
    /// Returns whether there is one message in each direction.
    pub(crate) fn is_unary(self) -> bool {
        !self.streams_requests && !self.streams_responses
    }

    #[cfg(feature = "descriptors")]
    fn of(method: &prost_types::MethodDescriptorProto) -> Self {
        use prost_types::method_options::IdempotencyLevel;

        let level = method.options.as_ref().map(prost_types::MethodOptions::idempotency_level);
        Self {
            streams_requests: method.client_streaming(),
            streams_responses: method.server_streaming(),
            is_safe: level == Some(IdempotencyLevel::NoSideEffects),
        }
    }
}
