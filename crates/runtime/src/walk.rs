//! A walk over all sessions of a keeper, a portion at a time: there may be a million, and others on the thread have
//! things to do too.

use std::sync::Arc;

use crate::cell::Cell;
use crate::shared::Shared;

/// So many numbers of sessions are looked at before others get their turn.
pub(crate) const PORTION: u32 = 64;

/// Where a walk has come to. Whoever is there from its beginning to its end is met once: a session keeps its number while
/// it lives. Whoever comes meanwhile is met or not.
#[derive(Default)]
pub(crate) struct Walk {
    next: u32,
    over: bool,
}

impl Walk {
    /// The sessions that come next; it may be that there are none among these numbers.
    pub(crate) fn portion(&mut self, shared: &Shared) -> Vec<Arc<Cell>> {
        let (met, more) = shared.numbered(self.next, PORTION);
        self.next = self.next.saturating_add(PORTION);
        self.over = !more;
        met
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
