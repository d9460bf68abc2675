//! The suite's runner, at the other ends of standard input and output.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::thread;

use tokio::sync::mpsc;

/// A message of the runner or for it, encoded.
pub(crate) type Message = Vec<u8>;

/// Reads cases for as long as the runner has some.
pub(crate) fn cases() -> mpsc::UnboundedReceiver<Message> {
    let (sender, cases) = mpsc::unbounded_channel();
    // Reading blocks, and would hold up the end of a runtime.
    thread::spawn(move || {
        loop {
            let case = match read() {
                Ok(Some(case)) => case,
                Ok(None) => break,
                Err(error) => {
                    eprintln!("The runner's cases cannot be read: {error}");
                    break;
                }
            };
            if sender.send(case).is_err() {
                break;
            }
        }
    });
    cases
}

/// Writes a result.
pub(crate) fn tell(result: &[u8]) -> io::Result<()> {
    let length =
        u32::try_from(result.len()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    let mut output = io::stdout().lock();
    output.write_all(&length.to_be_bytes())?;
    output.write_all(result)?;
    output.flush()
}

/// Reads the next case, or none at the end of the input.
fn read() -> io::Result<Option<Message>> {
    let mut input = io::stdin().lock();
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut case = vec![0; u32::from_be_bytes(length) as usize];
    input.read_exact(&mut case)?;
    Ok(Some(case))
}
