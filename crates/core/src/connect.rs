//! Values of the Connect protocol: content types, codes, timeouts
//! ([the specification](https://connectrpc.com/docs/protocol)).

mod code;
mod content_type;
mod timeout;

pub use code::{code_name, http_status};
pub use content_type::{Codec, ContentType};
pub use timeout::{ParseTimeoutError, parse_timeout};
