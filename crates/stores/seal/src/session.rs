//! What is kept of a session.

use countersign_core::{Challenge, Fingerprint, Generation, Memo, Rotation, Timestamp, TokenSet};

use crate::unknown::UnknownFields;

/// Everything that a session keeps between two processes. The default is a session that never was
/// signed in.
#[derive(Clone, Debug, Default)]
pub struct SessionRecord {
    /// The tokens that are held.
    pub tokens: Option<TokenSet>,
    /// A refresh that was about to be sent. Judged only while the session's lock is held.
    pub journal: Option<Journal>,
    /// A further proof that the provider asked for.
    pub challenge: Option<PendingChallenge>,
    /// The adapter's own facts.
    pub memo: Memo,
    /// The session was ended on purpose; no process brings it back without a new sign-in.
    pub ended: Option<Ended>,
    /// This refresh token was refused for good: it is never sent again.
    pub refresh_dead: Option<Fingerprint>,
    /// How many refusals in a row may have been something else (an outage behind a refusal).
    pub suspicion: u8,
    /// Whether the last refresh brought another refresh token; `None` as long as none was seen.
    pub rotation: Option<Rotation>,
    /// The record of the account was there when this was written. If it is not there any more, it was lost, and
    /// what the account must be spared with it.
    pub guarded: bool,
    /// The highest generation counter that this session ever used: new tokens count on from here.
    pub counter: u64,
    /// What a newer version keeps beside this.
    pub unknown: UnknownFields,
}

impl SessionRecord {
    /// It was ended on purpose, and no token is left that could be revoked. One that has ended and has tokens was
    /// left in the middle of its end: whoever ends it again has them revoked.
    pub const fn is_over(&self) -> bool {
        self.ended.is_some() && self.tokens.is_none()
    }

    /// Begins another session in the place of one that was ended: takes the tombstone away, and the tokens of an end
    /// that broke off, which nobody may use any more.
    pub fn left_of_an_end(&mut self) -> Option<TokenSet> {
        self.ended.take().and_then(|_| self.tokens.take())
    }
}

/// A refresh that was about to be sent: written before the request leaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Journal {
    /// Which refresh token was to be spent.
    pub refresh: Fingerprint,
    /// The generation that it belongs to.
    pub generation: Generation,
    /// When the request was to be sent.
    pub sent_at: Timestamp,
    /// How often it had been sent then, with this sending: one for the first.
    pub attempt: u32,
}

/// A challenge that any process may answer, once.
#[derive(Clone, Debug)]
pub struct PendingChallenge {
    /// What is asked, with its deadline.
    pub challenge: Challenge,
    /// When an answer was claimed by the process that sends it; `None` if nobody has answered.
    pub claimed: Option<Timestamp>,
    /// Tells this challenge from an earlier one of the same session.
    pub id: Fingerprint,
}

/// A tombstone: the session was ended on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ended {
    /// The generation that was ended; `None` if there were no tokens.
    pub generation: Option<Generation>,
    /// When.
    pub at: Timestamp,
    /// How.
    pub cause: EndCause,
}

/// How a session was ended on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EndCause {
    /// Here: the provider was not asked, or did not confirm.
    SignedOut,
    /// With the provider: it confirmed the revocation.
    Revoked,
}
