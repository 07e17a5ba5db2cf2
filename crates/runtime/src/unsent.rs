//! Marks under which nothing was sent: their writes have got no answer, or what was to be sent has certainly not been
//! acted on and that the mark goes could not be written. The process that made them knows, and takes them back where it
//! finds one; to every other they say that something was sent.

use std::mem;

use countersign_core::{Revision, Timestamp};
use countersign_seal::{Journal, SessionRecord};

use crate::cell::Cell;
use crate::flight::Flight;
use crate::inner::Core;
use crate::recall::Seal;
use crate::records::Records;

/// So many are remembered of a session at most. All but one of them are writes that failed.
const MOST: usize = 16;

/// What a mark takes the place of.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    journal: Option<Journal>,
    claimed: Option<Timestamp>,
}

/// A record with a mark of this process.
#[derive(Clone, Copy)]
pub(crate) struct Unsent {
    seal: Seal,
    /// What it was to replace: as long as that is there, its write may still come through.
    over: Revision,
    before: Before,
}

impl Unsent {
    pub(crate) const fn new(seal: Seal, over: Revision, before: Before) -> Self {
        Self { seal, over, before }
    }
}

impl Before {
    pub(crate) fn of(record: &SessionRecord) -> Self {
        let claimed = record.challenge.as_ref().and_then(|challenge| challenge.claimed);
        Self { journal: record.journal, claimed }
    }

    fn put_back(self, record: &mut SessionRecord) {
        record.journal = self.journal;
        if let Some(challenge) = &mut record.challenge {
            challenge.claimed = self.claimed;
        }
    }
}

impl Core {
    /// A mark is about to be written.
    pub(crate) fn note_unsent(&mut self, unsent: Unsent) {
        if self.unsent.len() >= MOST {
            // The first may have come through; of those that follow it, it is the least likely.
            self.unsent.remove(1);
        }
        self.unsent.push(unsent);
    }

    /// A record has come through: a mark is the only one now, and anything else leaves none.
    pub(crate) fn note_stored(&mut self, mark: Option<Unsent>) {
        if !self.unsent.is_empty() {
            self.unsent = mark.into_iter().collect();
        }
    }
}

impl Flight {
    /// It is sent now: from here on the mark says the truth.
    pub(crate) fn send_under_mark(&mut self) {
        self.sent_under = mem::take(&mut self.cell.core().unsent);
    }

    /// Nothing came of the sending, and the store is about to be told.
    pub(crate) fn was_not_acted_on(&mut self) {
        let unsent = mem::take(&mut self.sent_under);
        self.cell.core().unsent.extend(unsent);
    }
}

impl Records {
    /// A mark that this very process has written and sent nothing under gives way to the one before it. The record is
    /// told by its seal: one with the same mark may be of somebody else, who has sent.
    pub(crate) fn forget_unsent(&mut self, cell: &Cell) {
        let (seal, revision) = self.session_as_read();
        let mark = |core: &mut Core| {
            let found = core.unsent.iter().find(|unsent| Some(unsent.seal) == seal).copied();
            // What was to replace an older record cannot come through any more.
            core.unsent.retain(|unsent| Some(unsent.seal) == seal || unsent.over == revision);
            found
        };
        if let Some(unsent) = cell.with_awake(mark).flatten() {
            unsent.before.put_back(&mut self.session);
        }
    }
}
