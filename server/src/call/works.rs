//! What runs for a call, and when it stopped: by this, the end of a call can be seen to have ended everything.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use drawbridge_core::EndReason;
use tonic::Code;

use super::context::{CallContext, now};

/// How many works of one call are kept, besides its handler. A handler that makes more calls than this has the first
/// of them on record.
const MOST: usize = 64;

/// What runs for a call.
#[derive(Debug, Default)]
pub(crate) struct Works {
    /// When the handler and the stream of its answer were gone. A handler that completed its answer was gone by the end
    /// of the call at the latest, and is not noted.
    handler_stopped: OnceLock<Instant>,
    /// Made with the first of them: most calls have none.
    others: OnceLock<Mutex<Vec<Work>>>,
}

/// Something that runs for a call besides its handler.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) kind: WorkKind,
    pub(crate) started: Instant,
    /// `None` while it runs.
    pub(crate) stopped: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(crate) enum WorkKind {
    /// A call to another service, or an attempt at a forwarded one, and the code with which it came back, if it did.
    Child { method: Box<str>, code: Option<Code> },
    /// A statement in the database.
    Query,
    /// The wait between two attempts, and how long it was meant to be.
    Backoff { planned: Duration },
}

impl Works {
    /// Returns when the handler was gone, if that was noted.
    pub(crate) fn handler_stop(&self) -> Option<Instant> {
        self.handler_stopped.get().copied()
    }

    /// Returns all of them but the handler.
    pub(crate) fn others(&self) -> Vec<Work> {
        self.made().map(|others| others.clone()).unwrap_or_default()
    }

    /// Returns how many there are and how many of them have stopped, the handler aside.
    pub(crate) fn count(&self) -> (usize, usize) {
        let Some(others) = self.made() else { return (0, 0) };
        (others.len(), others.iter().filter(|work| work.stopped.is_some()).count())
    }

    /// Tells whether all of them but the handler have stopped.
    pub(crate) fn others_have_stopped(&self) -> bool {
        let (all, stopped) = self.count();
        stopped == all
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Work>> {
        self.others.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) -> Option<MutexGuard<'_, Vec<Work>>> {
        self.others.get().map(|others| others.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CallContext {
    /// Notes that the handler and its stream are gone, unless that was noted before, or is clear from the call's end.
    pub(crate) fn handler_stopped(&self) {
        if !matches!(self.end_reason(), Some(EndReason::Completed(_))) {
            self.works().handler_stopped.get_or_init(now);
        }
    }

    /// Notes that something has started to run for the call. It has stopped when the guard is dropped.
    pub(crate) fn work(&self, kind: WorkKind) -> Working {
        let mut others = self.works().lock();
        let index = others.len();
        if index < MOST {
            others.push(Work { kind, started: now(), stopped: None });
        }
        drop(others);
        Working { call: self.clone(), index }
    }

    /// Notes something that ran for the call, which is worth a note only now that it is over.
    pub(crate) fn worked(&self, kind: WorkKind, started: Instant) {
        let mut others = self.works().lock();
        if others.len() < MOST {
            others.push(Work { kind, started, stopped: Some(now()) });
        }
    }
}

/// Something runs for a call, until this is dropped.
#[derive(Debug)]
pub(crate) struct Working {
    call: CallContext,
    index: usize,
}

impl Working {
    /// Notes the code with which a child call came back.
    pub(crate) fn came_back(&self, with: Code) {
        self.note(|work| {
            if let WorkKind::Child { code, .. } = &mut work.kind {
                *code = Some(with);
            }
        });
    }

    fn note(&self, note: impl FnOnce(&mut Work)) {
        if let Some(mut others) = self.call.works().made()
            && let Some(work) = others.get_mut(self.index)
        {
            note(work);
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.note(|work| work.stopped = Some(now()));
    }
}
