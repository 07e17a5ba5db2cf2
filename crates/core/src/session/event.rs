//! What can happen to a session.

use super::view::{ChallengeView, Failure, Held, RecordView};
use crate::time::Timestamp;
use crate::token::Generation;
use crate::transport::Delivery;

/// One thing that has happened. The machine is told one at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// The caller wants to sign in, whatever there is.
    SignIn,
    /// A caller needs a token and none is good.
    Wanted,
    /// The API refused the token of this generation.
    Rejected(Generation),
    /// The caller answers the challenge. A driver posts it only while [`super::Machine::challenge`]
    /// shows one; elsewhere it means nothing.
    Answer,
    /// The caller ends the session.
    SignOut,
    /// What was scheduled is due. Harmless at any time.
    Due,
    /// The record was read without a lock: at opening, or after a hint of the store.
    Observed(Box<RecordView>),
    /// The wall clock was set by so many milliseconds.
    ClockJumped(i64),
    /// The flight of an exchange reports.
    Flight(ExchangeId, Report),
}

/// Names one exchange, so that a late report of another is known for what it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ExchangeId(pub u32);

/// What the flight of an exchange reports: how the last effect for it ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Report {
    /// [`super::Effect::Prepare`]: the scheduler says, not before.
    Deferred(Timestamp),
    /// [`super::Effect::Prepare`]: it may go, and all that the request needs is at hand.
    Prepared,
    /// [`super::Effect::Lock`]: the lock is held, and this is what the store holds.
    Locked(Box<RecordView>),
    /// [`super::Effect::Journal`]: it is written.
    Journaled,
    /// [`super::Effect::Send`]: this came back, or nothing.
    Answered(Answer),
    /// [`super::Effect::Commit`]: it is written.
    Committed,
    /// [`super::Effect::Journal`] or [`super::Effect::Commit`]: somebody else wrote first, and this is
    /// what is there now. Nothing was written.
    Superseded(Box<RecordView>),
    /// [`super::Effect::Prepare`], `Lock`, `Journal` or `Commit` failed; nothing was sent by it.
    Failed(Failure),
    /// The flight is gone without a word: its runtime was dropped, or an adapter panicked.
    Lost,
}

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// Tokens.
    Tokens {
        /// The new set.
        held: Held,
        /// Whether it is better than what there was: another token or a later end.
        progress: bool,
    },
    /// A challenge.
    Challenge(ChallengeView),
    /// It is done (a revocation).
    Done,
    /// The provider says no, or cannot.
    Refused(Failure),
    /// No answer.
    Lost(Delivery, Failure),
}
