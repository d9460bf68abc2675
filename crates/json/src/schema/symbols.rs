//! All that files define, by name.

use std::collections::HashMap;

use super::descriptor;
use super::features::Features;
use super::kind::{EnumId, MessageId};
use super::well_known::WellKnown;

/// A message as its file defines it.
#[derive(Default)]
pub(crate) struct MessageSymbol {
    pub(crate) name: Box<str>,
    /// Without nested types, which are symbols of their own. Absent for a well-known type that no file defines.
    pub(crate) definition: Option<(descriptor::Message, Features)>,
    /// Indices in [`Symbols::extensions`].
    pub(crate) extensions: Vec<u32>,
}

/// An enumeration as its file defines it.
pub(crate) struct EnumSymbol {
    pub(crate) name: Box<str>,
    pub(crate) definition: descriptor::Enum,
    pub(crate) features: Features,
}

/// An extension as its file defines it.
pub(crate) struct Extension {
    pub(crate) scope: Box<str>,
    pub(crate) definition: descriptor::Field,
    pub(crate) features: Features,
}

/// A method as its file defines it.
pub(crate) struct MethodSymbol {
    pub(crate) path: Box<str>,
    pub(crate) service: Box<str>,
    pub(crate) definition: descriptor::Method,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Message(MessageId),
    Enum(EnumId),
}

/// Messages, enumerations, extensions and methods.
///
/// Of two definitions of the same name, the first counts.
#[derive(Default)]
pub(crate) struct Symbols {
    pub(crate) messages: Vec<MessageSymbol>,
    pub(crate) enums: Vec<EnumSymbol>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) methods: Vec<MethodSymbol>,
    names: HashMap<Box<str>, Symbol>,
    paths: HashMap<Box<str>, u32>,
}

impl Symbols {
    /// Collects what files define. A file whose syntax is not known is left out.
    pub(crate) fn of(files: impl IntoIterator<Item = descriptor::File>) -> Self {
        let mut symbols = Self::default();
        for file in files {
            symbols.add_file(file);
        }
        for name in WellKnown::names() {
            symbols.add_message(MessageSymbol { name: name.into(), ..MessageSymbol::default() });
        }
        symbols.attach_extensions();
        symbols
    }

    /// Returns the message or enumeration that a type's name stands for, which is full if it begins with a dot. Otherwise, it is
    /// looked up from `scope` outwards.
    pub(crate) fn resolve(&self, type_name: &str, scope: &str) -> Option<Symbol> {
        if let Some(full) = type_name.strip_prefix('.') {
            return self.names.get(full).copied();
        }
        let mut scope = scope;
        while !scope.is_empty() {
            if let Some(found) = self.names.get(&*format!("{scope}.{type_name}")) {
                return Some(*found);
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.names.get(type_name).copied()
    }

    /// Returns the message with a full name.
    pub(crate) fn message(&self, full_name: &str) -> Option<MessageId> {
        match self.names.get(full_name) {
            Some(Symbol::Message(id)) => Some(*id),
            _ => None,
        }
    }

    /// Returns the method with a path.
    pub(crate) fn method(&self, path: &str) -> Option<&MethodSymbol> {
        self.paths.get(path).map(|index| &self.methods[*index as usize])
    }

    fn add_file(&mut self, file: descriptor::File) {
        let Some(features) = Features::of_file(&file) else { return };
        let package = file.package.unwrap_or_default();
        self.add_types(&package, file.message_type, file.enum_type, file.extension, features);
        for service in file.service {
            let service_name: Box<str> = join(&package, &service.name.unwrap_or_default()).into();
            for method in service.method {
                let path: Box<str> =
                    format!("/{service_name}/{}", method.name.as_deref().unwrap_or_default()).into();
                self.paths.entry(path.clone()).or_insert_with(|| {
                    self.methods.push(MethodSymbol {
                        path,
                        service: service_name.clone(),
                        definition: method,
                    });
                    index(self.methods.len())
                });
            }
        }
    }

    fn add_types(
        &mut self,
        scope: &str,
        messages: Vec<descriptor::Message>,
        enums: Vec<descriptor::Enum>,
        extensions: Vec<descriptor::Field>,
        features: Features,
    ) {
        for mut message in messages {
            let name = join(scope, message.name.as_deref().unwrap_or_default());
            let features = features.with(message.options.and_then(|options| options.features));
            let nested = std::mem::take(&mut message.nested_type);
            let enums = std::mem::take(&mut message.enum_type);
            let extensions = std::mem::take(&mut message.extension);
            self.add_types(&name, nested, enums, extensions, features);
            let definition = Some((message, features));
            self.add_message(MessageSymbol { name: name.into(), definition, extensions: Vec::new() });
        }
        for definition in enums {
            let name: Box<str> = join(scope, definition.name.as_deref().unwrap_or_default()).into();
            let features = features.with(definition.options.and_then(|options| options.features));
            self.names.entry(name.clone()).or_insert_with(|| {
                self.enums.push(EnumSymbol { name, definition, features });
                Symbol::Enum(EnumId(index(self.enums.len())))
            });
        }
        let scope: Box<str> = scope.into();
        self.extensions.extend(extensions.into_iter().map(|definition| Extension {
            scope: scope.clone(),
            definition,
            features,
        }));
    }

    fn add_message(&mut self, message: MessageSymbol) {
        self.names.entry(message.name.clone()).or_insert_with(|| {
            self.messages.push(message);
            Symbol::Message(MessageId(index(self.messages.len())))
        });
    }

    fn attach_extensions(&mut self) {
        for at in 0..self.extensions.len() {
            let extension = &self.extensions[at];
            let extendee = extension.definition.extendee.as_deref().unwrap_or_default();
            if let Some(Symbol::Message(id)) = self.resolve(extendee, &extension.scope) {
                self.messages[id.0 as usize].extensions.push(index(at + 1));
            }
        }
    }
}

/// Returns a name within a package or a message.
pub(crate) fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// Returns the index of the last of `count` elements. Descriptors are smaller than 4 GiB.
fn index(count: usize) -> u32 {
    u32::try_from(count - 1).unwrap_or(u32::MAX)
}
