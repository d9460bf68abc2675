//! The suite's runner, at the other ends of standard input and output.

use std::io;
use std::thread;

use drawbridge_conformance_contract::pipe;
use tokio::sync::mpsc;

/// A message of the runner or for it, encoded.
pub(crate) type Message = Vec<u8>;

/// Reads cases for as long as the runner has some.
pub(crate) fn cases() -> mpsc::UnboundedReceiver<Message> {
    let (sender, cases) = mpsc::unbounded_channel();
    // Reading blocks, and would hold up the end of a runtime.
    thread::spawn(move || {
        loop {
            let case = match pipe::read(&mut io::stdin().lock()) {
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
    pipe::write(&mut io::stdout().lock(), result)
}
