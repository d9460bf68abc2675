//! Reads the SETTINGS of an upstream as they pass, for what h2 does not tell of them.

use std::sync::{Arc, OnceLock};

/// The length of the head of a frame (RFC 9113, section 4.1).
const FRAME_HEAD: usize = 9;

/// The type of a SETTINGS frame.
const SETTINGS: u8 = 4;

/// The identifier of `SETTINGS_MAX_HEADER_LIST_SIZE`.
const MAX_HEADER_LIST_SIZE: u16 = 6;

/// The longest SETTINGS frame that is read. There are fewer than ten settings of 6 bytes.
const MAX_LENGTH: usize = 4 * 1024;

/// What an upstream has announced. Empty until its SETTINGS have been read, and if they do not limit heads.
pub(super) type MaxHeaderListSize = Arc<OnceLock<u32>>;

/// Reads the first frame of a connection, which is SETTINGS in HTTP/2. Later changes are not noticed: servers have one limit for
/// their lifetime.
pub(super) struct FirstSettings {
    frame: Vec<u8>,
    found: MaxHeaderListSize,
}

impl FirstSettings {
    pub(super) const fn new(found: MaxHeaderListSize) -> Self {
        Self { frame: Vec::new(), found }
    }

    /// Takes the next bytes of the connection. Returns whether it needs no more.
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        self.frame.extend_from_slice(&bytes[..bytes.len().min(FRAME_HEAD + MAX_LENGTH - self.frame.len())]);
        let &[high, middle, low, kind, ..] = &self.frame[..] else { return false };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if kind != SETTINGS || length > MAX_LENGTH {
            return true;
        }
        let Some(payload) = self.frame.get(FRAME_HEAD..FRAME_HEAD + length) else { return false };
        for setting in payload.chunks_exact(6) {
            let (identifier, value) = setting.split_at(2);
            if let (Ok(identifier), Ok(value)) = (identifier.try_into(), value.try_into())
                && u16::from_be_bytes(identifier) == MAX_HEADER_LIST_SIZE
            {
                // The first of several stands. RFC 9113 wants the last; no server sends several.
                let _ = self.found.set(u32::from_be_bytes(value));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_found_whatever_the_boundaries_of_reads() {
        let frame = b"\0\0\x0c\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x06\0\0\x20\0rest".as_slice();
        for size in 1..=frame.len() {
            let found = MaxHeaderListSize::default();
            let mut settings = FirstSettings::new(Arc::clone(&found));
            let done = frame.chunks(size).position(|bytes| settings.read(bytes)).unwrap();
            assert_eq!(found.get(), Some(&8192), "{size}");
            assert_eq!(done, 20 / size, "{size}");
        }
    }

    #[test]
    fn other_bytes_are_not_settings() {
        for bytes in [&b"HTTP/1.1 400 Bad Request"[..], &[0xff; 16], b"\0\0\0\x04\0\0\0\0\0"] {
            let found = MaxHeaderListSize::default();
            assert!(FirstSettings::new(Arc::clone(&found)).read(bytes));
            assert_eq!(found.get(), None);
        }
    }

    /// Splits bytes into chunks of these sizes, and the rest.
    fn split<'a>(mut bytes: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        for size in sizes {
            let (chunk, rest) = bytes.split_at(bytes.len().min(usize::from(*size)));
            chunks.push(chunk);
            bytes = rest;
        }
        chunks.push(bytes);
        chunks
    }

    /// Reads chunks until no more are needed. Returns what was found, and whether the frame was complete.
    fn find(chunks: &[&[u8]]) -> (Option<u32>, bool) {
        let found = MaxHeaderListSize::default();
        let mut settings = FirstSettings::new(Arc::clone(&found));
        let is_done = chunks.iter().any(|chunk| {
            let is_done = settings.read(chunk);
            assert!(settings.frame.len() <= FRAME_HEAD + MAX_LENGTH);
            is_done
        });
        (found.get().copied(), is_done)
    }

    #[test]
    fn fuzz_the_limit_is_found_in_any_chunks_of_a_frame() {
        let check = bolero::check!().with_type::<(Vec<(u16, u32)>, usize, Vec<u8>)>();
        check.with_iterations(20_000).for_each(|(settings, cut, sizes)| {
            let settings: Vec<_> = settings.iter().map(|(id, value)| (id % 8, *value)).collect();
            let mut frame = u32::try_from(settings.len() * 6).unwrap().to_be_bytes()[1..].to_vec();
            frame.extend([SETTINGS, 0, 0, 0, 0, 0]);
            for (id, value) in &settings {
                frame.extend(id.to_be_bytes());
                frame.extend(value.to_be_bytes());
            }
            let length = frame.len();
            frame.extend(b"the next frame");
            frame.truncate(cut % (frame.len() + 1));
            let limit = settings.iter().find(|(id, _)| *id == MAX_HEADER_LIST_SIZE).map(|(_, value)| *value);
            let expected = if frame.len() < length { (None, false) } else { (limit, true) };
            assert_eq!(find(&split(&frame, sizes)), expected);
        });
    }

    #[test]
    fn fuzz_any_bytes_are_read_the_same_in_any_chunks() {
        let check = bolero::check!().with_type::<(Vec<u8>, Vec<u8>, bool)>();
        check.with_iterations(20_000).for_each(|(bytes, sizes, is_settings)| {
            let mut bytes = bytes.clone();
            if let (true, [high, middle, _, kind, ..]) = (*is_settings, &mut bytes[..]) {
                (*high, *middle, *kind) = (0, *middle % 32, SETTINGS);
            }
            assert_eq!(find(&split(&bytes, sizes)), find(&[&bytes]));
        });
    }
}
