//! The suite's runner, behind standard input and output.

use std::io;
use std::thread;

use drawbridge_conformance_contract::pipe;
use tokio::sync::mpsc;

/// An encoded message from or to the runner.
pub(crate) type Message = Vec<u8>;

/// Reads cases until the runner closes its output.
pub(crate) fn cases() -> mpsc::UnboundedReceiver<Message> {
    let (sender, cases) = mpsc::unbounded_channel();
    // A blocking read on a runtime's thread would delay its shutdown.
    thread::spawn(move || {
        loop {
            let case = match pipe::read(&mut io::stdin().lock()) {
                Ok(Some(case)) => case,
                Ok(None) => break,
                Err(error) => {
                    eprintln!("Cannot read the runner's cases: {error}");
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
pub(crate) fn write(result: &[u8]) -> io::Result<()> {
    pipe::write(&mut io::stdout().lock(), result)
}
