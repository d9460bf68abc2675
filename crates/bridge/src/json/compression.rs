//! Compressed messages.

use bytes::Bytes;
use drawbridge_core::headers::GRPC_ENCODING;
use http::{HeaderMap, HeaderValue};
use tonic::Status;
use zune_inflate::errors::DecodeErrorStatus;
use zune_inflate::{DeflateDecoder, DeflateOptions};

/// The compressions of messages that are translated, as `grpc-accept-encoding` lists them.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip,identity");

/// How the messages of a body are compressed that are marked as compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// None may be.
    Identity,
    Gzip,
}

impl Compression {
    /// Reads the compression that the head of a request or a response names.
    ///
    /// # Errors
    ///
    /// Returns UNIMPLEMENTED for an unknown one, as the gRPC specification wants it. The response then has to list those that are
    /// [accepted](ACCEPTED).
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Status> {
        match headers.get(GRPC_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Ok(Self::Identity),
            Some(b"gzip") => Ok(Self::Gzip),
            Some(other) => Err(Status::unimplemented(format!(
                "messages with the compression {:?} cannot be translated to or from JSON: expected gzip or none",
                String::from_utf8_lossy(other)
            ))),
        }
    }

    /// Decompresses a message to at most this many bytes.
    ///
    /// # Errors
    ///
    /// Returns the status of the call if the message is longer or malformed.
    pub(super) fn decompress(self, message: &Bytes, max_bytes: u32) -> Result<Bytes, Status> {
        if self == Self::Identity {
            return Err(Status::internal("a message is compressed, and its head names no compression"));
        }
        if message.is_empty() {
            return Ok(Bytes::new());
        }
        let options = DeflateOptions::default()
            .set_limit(max_bytes as usize)
            // Grown as it is needed: what a message claims to be costs nothing.
            .set_size_hint(message.len().saturating_mul(2).min(max_bytes as usize))
            .set_confirm_checksum(true);
        let result = DeflateDecoder::new_with_options(message, options).decode_gzip();
        match result {
            Ok(decompressed) => Ok(decompressed.into()),
            Err(error) if matches!(error.error, DecodeErrorStatus::OutputLimitExceeded(..)) => {
                Err(Status::resource_exhausted(format!(
                    "a message is longer than {max_bytes} bytes after decompression"
                )))
            }
            Err(_) => Err(Status::invalid_argument("a message is not valid gzip")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::GzEncoder;
    use tonic::Code;

    use super::*;

    fn gzip(data: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn messages_are_decompressed_up_to_the_limit() {
        for length in [0, 1, 1000, 100_000] {
            let data: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[0] ^ 7).collect();
            assert_eq!(Compression::Gzip.decompress(&gzip(&data), 100_000).unwrap(), data);
        }
        let bomb = gzip(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        for max in [1000, 9_999_999] {
            let status = Compression::Gzip.decompress(&bomb, max).unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
        }
    }

    #[test]
    fn malformed_messages_are_errors() {
        let whole = gzip(b"a message that is long enough to be damaged");
        for at in 0..whole.len() {
            let _ = Compression::Gzip.decompress(&whole.slice(..at), 1000);
            let mut damaged = whole.to_vec();
            damaged[at] ^= 0x55;
            let _ = Compression::Gzip.decompress(&damaged.into(), 1000);
        }
        let status = Compression::Gzip.decompress(&Bytes::from_static(b"no gzip"), 1000).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let status = Compression::Identity.decompress(&whole, 1000).unwrap_err();
        assert_eq!(status.code(), Code::Internal);
    }

    #[test]
    fn a_compression_is_known_or_refused() {
        let of = |name: &'static str| {
            let headers = [(GRPC_ENCODING, HeaderValue::from_static(name))];
            Compression::of(&headers.into_iter().collect()).map_err(|status| status.code())
        };
        assert_eq!(Compression::of(&HeaderMap::new()).unwrap(), Compression::Identity);
        assert_eq!(of("identity"), Ok(Compression::Identity));
        assert_eq!(of("gzip"), Ok(Compression::Gzip));
        assert_eq!(of("br"), Err(Code::Unimplemented));
    }
}
