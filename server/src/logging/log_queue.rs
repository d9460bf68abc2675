//! Writes log lines in a thread of their own.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many bytes of lines wait to be written. Further lines are dropped.
const MAX_BYTES: usize = 1024 * 1024;

/// A buffer that has become larger than this is not kept.
const KEPT_BYTES: usize = 64 * 1024;

/// How long the last lines may take when the program ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A queue of log lines, which one thread writes. Adding a line never fails and never waits for the thread: standard error may
/// be a pipe that nobody reads, or whose reader is gone.
///
/// Lines over the limit are dropped and counted, and the log says how many once lines are written again. No crate does this:
/// `tracing-appender` counts the lines, but tells nobody, and prints to standard output when it cannot flush.
#[derive(Clone)]
pub(crate) struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    closing: bool,
    closed: bool,
}

/// Writes the lines that are left when it is dropped, for at most a second.
#[must_use = "the last lines are written when it is dropped"]
pub struct LogGuard(Arc<Shared>);

impl LogQueue {
    /// Starts the thread that writes to `out`. `on_dropped` is called in it with the number of lines that were dropped, once
    /// lines are written again.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        on_dropped: impl Fn(u64) + Send + 'static,
    ) -> io::Result<(Self, LogGuard)> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || of_thread.write(out, on_dropped))?;
        Ok((Self(Arc::clone(&shared)), LogGuard(shared)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.lines.len() + line.len() > MAX_BYTES {
            state.dropped += 1;
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.changed.notify_all();
        }
    }

    /// Writes lines until the queue closes.
    fn write(&self, mut out: impl Write, on_dropped: impl Fn(u64)) {
        let mut lines = Vec::new();
        // Lines that were dropped, and those of writes that failed.
        let mut lost = 0;
        loop {
            lost += {
                let mut state = self.lock();
                while state.lines.is_empty() && !state.closing {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if state.lines.is_empty() {
                    state.closed = true;
                    self.changed.notify_all();
                    return;
                }
                std::mem::swap(&mut lines, &mut state.lines);
                std::mem::take(&mut state.dropped)
            };
            match out.write_all(&lines).and_then(|()| out.flush()) {
                Ok(()) if lost > 0 => on_dropped(std::mem::take(&mut lost)),
                Ok(()) => {}
                // The reader may be gone, or the disk full: told when it is possible again.
                Err(_) => lost += lines.split_inclusive(|byte| *byte == b'\n').map(|_| 1).sum::<u64>(),
            }
            lines.clear();
            lines.shrink_to(KEPT_BYTES);
        }
    }
}

impl Write for &LogQueue {
    /// Adds a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closing = true;
        self.0.changed.notify_all();
        let result = self.0.changed.wait_timeout_while(state, FLUSH_TIMEOUT, |state| !state.closed);
        drop(result);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A writer that takes what it has only when the test receives it.
    struct Slow(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.recv().map_err(io::Error::other)?;
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_over_the_limit_are_dropped_and_told_when_others_are_written_again() {
        let (written, lines) = channel();
        let (go, may_write) = channel();
        let (told, dropped) = channel();
        let (queue, guard) =
            LogQueue::start(Slow(written, may_write), move |lines| told.send(lines).unwrap()).unwrap();
        let mut log = &queue;
        log.write_all(b"first\n").unwrap();
        // Taken by the thread, which now waits in the writer.
        while !queue.0.lock().lines.is_empty() {
            thread::yield_now();
        }
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..MAX_BYTES / line.len() + 7 {
            log.write_all(&line).unwrap();
        }
        go.send(()).unwrap();
        assert_eq!(lines.recv().unwrap(), b"first\n");
        go.send(()).unwrap();
        assert_eq!(lines.recv().unwrap().len(), MAX_BYTES);
        assert_eq!(dropped.recv().unwrap(), 7);
        log.write_all(b"last\n").unwrap();
        go.send(()).unwrap();
        assert_eq!(lines.recv().unwrap(), b"last\n");
        drop(guard);
        assert!(dropped.try_recv().is_err());
    }

    /// A writer that fails as often as it says.
    struct Failing(usize);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Ok(bytes.len());
            }
            self.0 -= 1;
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_could_not_be_written_are_told_when_others_are() {
        let (told, lost) = channel();
        let (queue, guard) = LogQueue::start(Failing(2), move |lines| told.send(lines).unwrap()).unwrap();
        for lines in [&b"a\nb\n"[..], b"c\n", b"written\n"] {
            (&queue).write_all(lines).unwrap();
            // Taken by the thread, so that the next ones are another write.
            while !queue.0.lock().lines.is_empty() {
                thread::yield_now();
            }
        }
        assert_eq!(lost.recv().unwrap(), 3);
        drop(guard);
    }
}
