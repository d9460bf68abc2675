//! A schema, its messages and its methods.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use prost::Message as _;

use super::descriptor;
use super::message::Message;
use super::method::{Idempotency, Method};
use super::symbols::{MethodSymbol, Symbol, Symbols};
use super::types::Types;

/// The contracts of a server: all messages and methods of a set of files.
///
/// A clone is the same schema. A message's fields are compiled when the message is first translated. Files that are imported and
/// missing are no error until a message has a field of a missing type.
#[derive(Clone)]
pub struct Schema {
    types: Arc<Types>,
}

/// Bytes that are no descriptor.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaError(prost::DecodeError);

/// Why a schema has no [`Method`] for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MethodError {
    /// The schema has no such service or method.
    Unknown,
    /// The file that defines the request or the response is missing.
    MissingType(
        /// The name of the type.
        String,
    ),
}

impl Schema {
    /// Makes a schema from encoded files (`google.protobuf.FileDescriptorProto`), in any order, as reflection answers them.
    ///
    /// Of two files with the same name, the first counts, and so does the first of two definitions with the same name. A file
    /// whose syntax is not known is left out.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be decoded.
    pub fn from_files<F: AsRef<[u8]>>(files: impl IntoIterator<Item = F>) -> Result<Self, SchemaError> {
        let mut names = HashSet::new();
        let mut decoded = Vec::new();
        for file in files {
            let file = descriptor::File::decode(file.as_ref()).map_err(SchemaError)?;
            if names.insert(file.name.clone().unwrap_or_default()) {
                decoded.push(file);
            }
        }
        Ok(Self { types: Arc::new(Types::new(Symbols::of(decoded))) })
    }

    /// Makes a schema from encoded sets of files (`google.protobuf.FileDescriptorSet`), as `protoc --descriptor_set_out` and
    /// `buf build` write them. Otherwise as [`Schema::from_files`].
    ///
    /// # Errors
    ///
    /// Returns an error if a set or a file cannot be decoded.
    pub fn from_sets<S: AsRef<[u8]>>(sets: impl IntoIterator<Item = S>) -> Result<Self, SchemaError> {
        let mut files = Vec::new();
        for set in sets {
            files.extend(descriptor::FileSet::decode(set.as_ref()).map_err(SchemaError)?.file);
        }
        Self::from_files(files)
    }

    /// Returns the method with a path of gRPC: `/package.Service/Method`.
    ///
    /// # Errors
    ///
    /// Returns an error if the schema does not have the method, or not its request or response.
    pub fn method(&self, path: &str) -> Result<Method, MethodError> {
        self.resolve_method(self.types.symbols.method(path).ok_or(MethodError::Unknown)?)
    }

    /// Returns all methods whose request and response are known, in the order of the files.
    pub fn methods(&self) -> impl Iterator<Item = Method> {
        self.types.symbols.methods.iter().filter_map(|method| self.resolve_method(method).ok())
    }

    /// Returns the message with a full name: `package.Message`.
    pub fn message(&self, full_name: &str) -> Option<Message> {
        let id = self.types.symbols.message(full_name)?;
        Some(Message::new(Arc::clone(&self.types), id))
    }

    fn resolve_method(&self, symbol: &MethodSymbol) -> Result<Method, MethodError> {
        let definition = &symbol.definition;
        let message = |name: Option<&str>| {
            let name = name.unwrap_or_default();
            match self.types.symbols.resolve(name, &symbol.service) {
                Some(Symbol::Message(id)) => Ok(Message::new(Arc::clone(&self.types), id)),
                _ => Err(MethodError::MissingType(name.trim_start_matches('.').to_owned())),
            }
        };
        let options = definition.options.clone().unwrap_or_default();
        Ok(Method {
            path: symbol.path.clone(),
            input: message(definition.input_type.as_deref())?,
            output: message(definition.output_type.as_deref())?,
            client_streaming: definition.client_streaming == Some(true),
            server_streaming: definition.server_streaming == Some(true),
            idempotency: match options.idempotency_level {
                Some(1) => Idempotency::NoSideEffects,
                Some(2) => Idempotency::Idempotent,
                _ => Idempotency::Unknown,
            },
            deprecated: options.deprecated == Some(true),
            http: options.http.unwrap_or_default(),
        })
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbols = &self.types.symbols;
        formatter
            .debug_struct("Schema")
            .field("messages", &symbols.messages.len())
            .field("methods", &symbols.methods.len())
            .finish()
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a protobuf descriptor: {}", self.0)
    }
}

impl std::error::Error for SchemaError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for MethodError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("the schema has no such method"),
            Self::MissingType(name) => {
                write!(formatter, "the schema does not have `{name}`, a message of the method")
            }
        }
    }
}

impl std::error::Error for MethodError {}
