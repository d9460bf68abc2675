//! What the runner and the programs under test tell each other over standard input and output: messages, each behind its
//! length as a big-endian `u32`.

use std::io::{self, ErrorKind, Read, Write};

/// Reads the next message, encoded, or none at the end.
///
/// # Errors
///
/// Returns an error where the end comes inside a message, or nothing can be read.
pub fn read(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Writes a message, encoded, and sends it off.
///
/// # Errors
///
/// Returns an error where nothing can be written.
pub fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(message.len()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(message)?;
    to.flush()
}
