//! Messages between the runner and programs under test over standard input and output, each after its length as a big-endian
//! `u32`.

use std::io::{self, ErrorKind, Read, Write};

/// Reads the next encoded message, or `None` at the end.
///
/// # Errors
///
/// Returns an error if the input ends inside a message, or cannot be read.
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

/// Writes and flushes an encoded message.
///
/// # Errors
///
/// Returns an error if the output cannot be written.
pub fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(message.len()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(message)?;
    to.flush()
}
