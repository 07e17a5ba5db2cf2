//! What went over the wire in a case, in its order: for reports, without a secret.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::operation::Op;

/// One request and what became of it. It holds no header, no query and no body.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Virtual time since the case began.
    pub at: Duration,
    /// When its answer came, likewise; `None` if none came.
    pub answered: Option<Duration>,
    /// What was asked.
    pub op: Op,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The fault that it met, by name.
    pub fault: Option<&'static str>,
    /// How it ended, in a word: `answered`, `waiting`, `not_sent`, `interrupted`, `dropped`, `stray`.
    pub end: &'static str,
}

/// Something else that a report shows between the exchanges.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// Virtual time since the case began.
    pub at: Duration,
    /// What, in a few words of the suite's own.
    pub what: String,
}

/// Both, in the order of their beginning. Clones are the same timeline.
#[derive(Clone, Default)]
pub(crate) struct Timeline(Arc<Mutex<Entries>>);

#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) marks: Vec<Mark>,
}

/// More than this are counted and not kept.
const KEPT: usize = 100_000;

impl Timeline {
    pub(crate) fn begin(&self, exchange: Exchange) -> usize {
        let mut entries = self.entries();
        if entries.exchanges.len() < KEPT {
            entries.exchanges.push(exchange);
        }
        entries.exchanges.len() - 1
    }

    pub(crate) fn edit(&self, number: usize, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.entries().exchanges.get_mut(number) {
            change(exchange);
        }
    }

    pub(crate) fn mark(&self, at: Duration, what: impl Into<String>) {
        self.entries().marks.push(Mark { at, what: what.into() });
    }

    pub(crate) fn count(&self, so: impl Fn(&Exchange) -> bool) -> usize {
        self.entries().exchanges.iter().filter(|exchange| so(exchange)).count()
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
