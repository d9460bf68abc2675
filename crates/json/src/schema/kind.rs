//! Types of fields.

/// The index of a message in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(pub(crate) u32);

/// The index of an enumeration in a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnumId(pub(crate) u32);

/// The type of a field, or of a map's keys or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(EnumId),
    /// `google.protobuf.NullValue`, which is `null` in JSON.
    NullValue,
    Message(MessageId),
    /// A type that the schema does not have.
    Missing,
}

/// The wire type of a field: the lower three bits of its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Length = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

impl Kind {
    /// Returns the type with a number of `FieldDescriptorProto.Type`, if it is neither a message nor an enumeration.
    pub(crate) fn of_scalar(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Double,
            2 => Self::Float,
            3 => Self::Int64,
            4 => Self::Uint64,
            5 => Self::Int32,
            6 => Self::Fixed64,
            7 => Self::Fixed32,
            8 => Self::Bool,
            9 => Self::String,
            12 => Self::Bytes,
            13 => Self::Uint32,
            15 => Self::Sfixed32,
            16 => Self::Sfixed64,
            17 => Self::Sint32,
            18 => Self::Sint64,
            _ => return None,
        })
    }

    /// Returns the wire type of a single value that is not delimited.
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => WireType::Fixed64,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => WireType::Fixed32,
            Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Sint64
            | Self::Bool
            | Self::Enum(_)
            | Self::NullValue => WireType::Varint,
            Self::String | Self::Bytes | Self::Message(_) | Self::Missing => WireType::Length,
        }
    }

    /// Returns whether repeated values may be packed into one field.
    pub(crate) fn is_packable(self) -> bool {
        self.wire_type() != WireType::Length
    }

    /// Returns whether a map may have keys of this type.
    pub(crate) fn is_map_key(self) -> bool {
        !matches!(
            self,
            Self::Double
                | Self::Float
                | Self::Bytes
                | Self::Enum(_)
                | Self::NullValue
                | Self::Message(_)
                | Self::Missing
        )
    }
}
