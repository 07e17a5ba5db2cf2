//! How the end of a session is written: first beside its tokens, and without them once the provider was asked. What a
//! sign-in finds of an end that broke off in between is revoked then.

use std::sync::Arc;

use countersign_core::session::Grant;
use countersign_core::{Error, Timestamp, TokenSet};
use countersign_seal::{EndCause, Ended as Tombstone};

use crate::commit::Touched;
use crate::discard::revoke_late;
use crate::flight::Flight;
use crate::records::Written;

impl Flight {
    /// The tombstone, beside the tokens that are still to be revoked: should this process not live to do it, the next
    /// one that is told to sign out can.
    pub(crate) fn put_ending(&mut self, now: Timestamp) -> Result<Touched, Error> {
        let tokens = self.tokens_for(Grant::Revoke);
        let session = &mut self.records_mut()?.session;
        let generation = tokens.as_ref().map(TokenSet::generation);
        session.counter = session.counter.max(generation.map_or(0, |ended| ended.counter));
        session.tokens = tokens;
        session.journal = None;
        session.challenge = None;
        let cause = EndCause::SignedOut;
        session.ended.get_or_insert(Tombstone { generation, at: now, cause });
        Ok(Touched { session: true, ..Touched::default() })
    }

    /// The same from a task that is given up.
    pub(crate) async fn write_ending(&mut self, now: Timestamp) -> Result<Written, Error> {
        self.put_ending(now)?;
        let cell = Arc::clone(&self.cell);
        self.records_mut()?.save_session(&cell, None).await
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
