//! How the end of a session is written: a mark before the provider is asked, a tombstone after it. What a sign-in
//! finds of an end that broke off in between is revoked then.

use std::sync::Arc;

use countersign_core::{Error, Timestamp, TokenSet};
use countersign_seal::{EndCause, Ended as Tombstone};

use crate::commit::Touched;
use crate::discard::revoke_late;
use crate::flight::Flight;

impl Flight {
    /// Marks the end of the session before its tokens are sent to be revoked: should the process die in between,
    /// nobody brings the session back. `tokens` stay in the record until the revocation is over, so that whoever
    /// ends it again can have them revoked. What cannot be marked is revoked all the same, and the tombstone tells.
    pub(crate) async fn mark_end(&mut self, tokens: Option<&TokenSet>) {
        let Some(fence) = self.lock.as_ref().map(|lock| lock.fence()) else { return };
        let (cell, now) = (Arc::clone(&self.cell), self.cell.shared.clock.now());
        let Some(records) = &mut self.records else { return };
        let session = &mut records.session;
        if let Some(tokens) = tokens {
            session.counter = session.counter.max(tokens.generation().counter);
            session.tokens = Some(tokens.clone());
        }
        let generation = session.tokens.as_ref().map(TokenSet::generation);
        let cause = EndCause::SignedOut;
        session.ended.get_or_insert(Tombstone { generation, at: now, cause });
        drop(cell.in_time(1, records.save_session(&cell, Some(fence))).await);
    }

    pub(crate) fn put_tombstone(&mut self, now: Timestamp) -> Result<Touched, Error> {
        let cause = if self.revoked { EndCause::Revoked } else { EndCause::SignedOut };
        let session = &mut self.records_mut()?.session;
        let generation = session.tokens.as_ref().map(TokenSet::generation);
        // What was confirmed once is not made a question again by whoever ends it once more.
        let before = session.ended.filter(|_| session.is_over() && cause != EndCause::Revoked);
        session.tokens = None;
        session.journal = None;
        session.challenge = None;
        session.ended = before.or(Some(Tombstone { generation, at: now, cause }));
        Ok(Touched { session: true, ..Touched::default() })
    }

    /// The record says nothing any more of tokens whose end broke off: nobody else would revoke them.
    pub(crate) fn revoke_what_was_left(&mut self) {
        if let Some(tokens) = self.left.take() {
            revoke_late(&self.cell, *tokens);
        }
    }
}
