//! How JSON is written.

/// How JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrintOptions {
    /// Whether fields without presence are written when they have their default value: numbers, strings and enumerations of
    /// proto3 that are not `optional`, lists and maps. Default: no, as the mapping's definition has it.
    pub emit_defaults: bool,
    /// The largest text, in bytes. Default: 16 MiB, since JSON is larger than protobuf.
    pub max_bytes: usize,
}

impl Default for PrintOptions {
    fn default() -> Self {
        Self { emit_defaults: false, max_bytes: 16 * 1024 * 1024 }
    }
}
