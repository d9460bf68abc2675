//! Features of editions, and what proto2 and proto3 mean in their terms.

use super::descriptor::{FeatureSet, Field, File};

/// The edition of proto2, as a number of `google.protobuf.Edition`.
const PROTO2: i32 = 998;
/// The edition of proto3, as a number of `google.protobuf.Edition`.
const PROTO3: i32 = 999;
/// The first edition.
const EDITION_2023: i32 = 1000;

const LABEL_REQUIRED: i32 = 2;
const TYPE_GROUP: i32 = 10;

/// Whether an unset field can be told from one with the default value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Unset and default differ.
    Explicit,
    /// A field with the default value is not written.
    Implicit,
    /// The field must be set.
    Required,
}

/// The features that change the wire format or the JSON, resolved for one element of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) presence: Presence,
    /// Unknown values of an enumeration are unknown fields.
    pub(crate) closed_enum: bool,
    /// Repeated numbers are written in one packed field.
    pub(crate) packed: bool,
    /// Messages are written between a start and an end tag.
    pub(crate) delimited: bool,
}

impl Features {
    /// Returns the features of a file, or `None` if its syntax is not known: some reflection servers send such a file in place of
    /// one that they do not have.
    ///
    /// Editions later than the ones that this crate knows have the features of the last one, as `FeatureSetDefaults` defines for
    /// editions between two entries.
    pub(crate) fn of_file(file: &File) -> Option<Self> {
        let edition = match file.syntax.as_deref() {
            Some("proto2") => PROTO2,
            Some("proto3") => PROTO3,
            None | Some("") => file.edition.unwrap_or(PROTO2),
            Some("editions") => file.edition.unwrap_or(EDITION_2023),
            Some(_) => return None,
        };
        let defaults = Self {
            presence: if edition == PROTO3 { Presence::Implicit } else { Presence::Explicit },
            closed_enum: edition < PROTO3,
            packed: edition >= PROTO3,
            delimited: false,
        };
        Some(defaults.with(file.options.and_then(|options| options.features)))
    }

    /// Returns these features with those that an element of a file overrides.
    pub(crate) fn with(mut self, overrides: Option<FeatureSet>) -> Self {
        let Some(overrides) = overrides else { return self };
        match overrides.field_presence {
            Some(1) => self.presence = Presence::Explicit,
            Some(2) => self.presence = Presence::Implicit,
            Some(3) => self.presence = Presence::Required,
            _ => {}
        }
        let binary = |value: Option<i32>, on, off, feature: &mut bool| match value {
            Some(value) if value == on => *feature = true,
            Some(value) if value == off => *feature = false,
            _ => {}
        };
        binary(overrides.enum_type, 2, 1, &mut self.closed_enum);
        binary(overrides.repeated_field_encoding, 1, 2, &mut self.packed);
        binary(overrides.message_encoding, 2, 1, &mut self.delimited);
        self
    }

    /// Returns the features of a field, from those of its message or oneof. The labels, types and options of proto2 and proto3 say
    /// the same as features do.
    pub(crate) fn of_field(self, field: &Field) -> Self {
        let options = field.options.unwrap_or_default();
        let mut features = self.with(options.features);
        if field.label == Some(LABEL_REQUIRED) {
            features.presence = Presence::Required;
        } else if field.proto3_optional == Some(true)
            || field.oneof_index.is_some()
            || field.extendee.is_some()
        {
            features.presence = Presence::Explicit;
        }
        if let Some(packed) = options.packed {
            features.packed = packed;
        }
        if field.r#type == Some(TYPE_GROUP) {
            features.delimited = true;
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::{FieldOptions, FileOptions};
    use super::*;

    fn file(syntax: &str, edition: Option<i32>, features: Option<FeatureSet>) -> Option<Features> {
        let syntax = (!syntax.is_empty()).then(|| syntax.to_owned());
        Features::of_file(&File {
            syntax,
            edition,
            options: Some(FileOptions { features }),
            ..File::default()
        })
    }

    #[test]
    fn each_syntax_has_its_defaults() {
        use Presence::{Explicit, Implicit};
        for (syntax, edition, presence, closed_enum, packed) in [
            ("", None, Explicit, true, false),
            ("proto2", None, Explicit, true, false),
            ("proto3", None, Implicit, false, true),
            ("editions", Some(1000), Explicit, false, true),
            ("editions", Some(1001), Explicit, false, true),
            ("editions", Some(9999), Explicit, false, true),
        ] {
            let expected = Features { presence, closed_enum, packed, delimited: false };
            assert_eq!(file(syntax, edition, None), Some(expected), "{syntax} {edition:?}");
        }
        assert_eq!(file("<unknown:0>", None, None), None);
    }

    #[test]
    fn the_nearest_element_overrides_a_feature() {
        let delimited = FeatureSet { message_encoding: Some(2), ..FeatureSet::default() };
        let prefixed = FeatureSet { message_encoding: Some(1), ..FeatureSet::default() };
        let of_file = file("editions", Some(1000), Some(delimited)).unwrap();
        assert!(of_file.delimited);
        let options = FieldOptions { features: Some(prefixed), packed: None };
        assert!(!of_file.of_field(&Field { options: Some(options), ..Field::default() }).delimited);
        assert!(of_file.with(None).delimited);
    }

    #[test]
    fn labels_types_and_options_are_features() {
        let proto3 = file("proto3", None, None).unwrap();
        let field = Field { proto3_optional: Some(true), ..Field::default() };
        assert_eq!(proto3.of_field(&field).presence, Presence::Explicit);
        let options = FieldOptions { packed: Some(false), features: None };
        assert!(!proto3.of_field(&Field { options: Some(options), ..Field::default() }).packed);
        let proto2 = file("proto2", None, None).unwrap();
        assert!(proto2.of_field(&Field { r#type: Some(TYPE_GROUP), ..Field::default() }).delimited);
        let field = Field { label: Some(LABEL_REQUIRED), ..Field::default() };
        assert_eq!(proto2.of_field(&field).presence, Presence::Required);
    }
}
