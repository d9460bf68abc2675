//! What runs for a call in addition to its handler, and when it stopped. It shows whether everything stopped when the call ended.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tonic::Code;

/// How many activities of one call are recorded. Further activities are not recorded.
const MAX_RECORDED: usize = 64;

/// Something that runs for a call in addition to its handler.
#[derive(Clone, Debug)]
pub(crate) struct ActivityRecord {
    pub(crate) kind: ActivityKind,
    pub(crate) started: Instant,
    /// `None` while it runs.
    pub(crate) stopped: Option<Instant>,
}

#[derive(Clone, Debug)]
pub(crate) enum ActivityKind {
    /// A call to another service, or one attempt at a forwarded call, with the code of its status once it has one.
    Child { method: Box<str>, code: Option<Code> },
    /// The wait between two attempts, with its planned length.
    Backoff { planned: Duration },
    /// Work that a handler has named, such as a database query.
    Named(Cow<'static, str>),
}

/// The activities of one call. Memory is allocated with the first of them: most calls have none.
#[derive(Debug, Default)]
pub(crate) struct Activities(OnceLock<Box<Mutex<Vec<ActivityRecord>>>>);

impl Activities {
    /// Returns the recorded activities.
    pub(crate) fn all(&self) -> Vec<ActivityRecord> {
        self.recorded().map(|records| records.clone()).unwrap_or_default()
    }

    /// Returns how many activities are recorded, and how many of those have stopped.
    pub(crate) fn count(&self) -> (usize, usize) {
        let Some(records) = self.recorded() else { return (0, 0) };
        (records.len(), records.iter().filter(|record| record.stopped.is_some()).count())
    }

    /// Returns whether all recorded activities have stopped. Activities beyond the limit are not seen.
    pub(crate) fn have_stopped(&self) -> bool {
        let (all, stopped) = self.count();
        stopped == all
    }

    /// Records an activity and returns its index. Beyond the limit nothing is recorded, and the index is one that no record has.
    pub(super) fn add(&self, record: ActivityRecord) -> usize {
        let mut records = self.0.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner);
        let index = records.len();
        if index < MAX_RECORDED {
            records.push(record);
            index
        } else {
            usize::MAX
        }
    }

    /// Changes the record of this index, if there is one.
    pub(super) fn update(&self, index: usize, change: impl FnOnce(&mut ActivityRecord)) {
        if let Some(record) = self.recorded().as_mut().and_then(|records| records.get_mut(index)) {
            change(record);
        }
    }

    fn recorded(&self) -> Option<MutexGuard<'_, Vec<ActivityRecord>>> {
        self.0.get().map(|records| records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
