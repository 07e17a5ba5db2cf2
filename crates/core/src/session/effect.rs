//! What a driver has to do.

use std::time::Duration;

use super::event::ExchangeId;
use super::view::Failure;
use crate::error::Certainty;
use crate::time::Timestamp;
use crate::token::Generation;

/// One thing to do. Effects are done in the order in which they come, and all of one event before the
/// next event. Those that name an exchange are steps of its flight and answer with a
/// [`super::Report`]; the others are done at once and cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Ask the scheduler whether this exchange may go, and get what the request needs: everything that can wait or
    /// fail. No lock is held meanwhile.
    Prepare(ExchangeId, Grant),
    /// Take the account's lock and read the record again.
    Lock(ExchangeId),
    /// Write the write-ahead mark, under the lock: for a refresh its hash, time and attempt; for a
    /// sign-in its count and its code step; for an answer the claim on the challenge.
    Journal(ExchangeId, Grant),
    /// Send, if the lock is still held for as long as the exchange may take.
    Send(ExchangeId, Grant),
    /// Write what became of it, under the lock.
    Commit(ExchangeId, Write),
    /// Let the lock go, if it is held. The flight is over; another may begin in the same breath.
    Unlock(ExchangeId),
    /// Keep the bytes of this generation and hand them out from now on, until they end.
    Publish {
        /// Which one.
        generation: Generation,
        /// Where its bytes are.
        source: Source,
        /// Whether the store has it.
        saved: bool,
    },
    /// Hand out nothing: the generation is refused, or the session has ended.
    Unpublish,
    /// Wipe the tokens.
    Forget,
    /// Revoke the tokens of an answer that came too late; best effort, in no order.
    Discard,
    /// Revoke the tokens that were held until now: a sign-in that was asked for by name has replaced
    /// them, and the store has the new ones. Best effort, in no order.
    Retire,
    /// Post [`super::Event::Due`] at the moment that the scheduler finds right. Replaces the last one.
    Schedule(Appointment),
    /// Nothing is due.
    Unschedule,
    /// Answer whoever waits.
    Tell(Told),
}

/// What is bought, and with what.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Grant {
    /// The credentials.
    SignIn {
        /// The caller asked for it by name.
        explicit: bool,
    },
    /// The refresh token.
    Refresh,
    /// The answer to a challenge.
    Answer,
    /// Nothing: the refresh token is revoked.
    Revoke,
    /// Nothing: what is unsaved is written.
    Save,
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Write {
    /// The tokens that came; journal, challenge, tombstone and suspicion go.
    Tokens,
    /// The challenge that came; journal goes.
    Challenge,
    /// The secret was refused.
    Refused(Certainty),
    /// The account is locked.
    LockedUntil(Timestamp),
    /// The provider has not decided about the sign-in: it does not count among those of the day. Where it
    /// certainly was not looked at, its code is free again too.
    Uncounted,
    /// The refresh token of the held generation was refused for good.
    RefreshDead,
    /// The refresh token was refused in a way that may hide another cause; journal goes.
    Suspect,
    /// The refresh was certainly not acted on.
    ClearJournal,
    /// The challenge may be answered again.
    Unclaim,
    /// The challenge is over.
    DropChallenge,
    /// The session is ended for everybody; its tokens stay in the record until it is known what became of their
    /// revocation, which comes next. Nobody hands them out.
    Ending,
    /// The session is ended; tokens go.
    Tombstone,
}

/// Where the bytes of a generation are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// In the record that was last read.
    Record,
    /// In the answer that last came.
    Answer,
}

/// When [`super::Event::Due`] is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Appointment {
    /// What for.
    pub purpose: Purpose,
    /// Not before this.
    pub not_before: Timestamp,
    /// At the latest at this, if there is such a moment.
    pub at_latest: Option<Timestamp>,
}

/// What an appointment is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// The next token, early enough.
    Renew {
        /// How long the current one lives in all.
        life: Duration,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// Another try after a failure.
    Retry {
        /// How many have failed.
        attempt: u32,
    },
    /// The end of a wait that is known exactly: a lockout, a challenge, a code step, a grace.
    Moment,
    /// Whether the source yields another secret by now.
    Probe,
    /// Another try to write.
    Save {
        /// How many have failed.
        attempt: u32,
    },
}

/// What waiters hear.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Told {
    /// A token is published.
    Tokens,
    /// A challenge waits for an answer.
    Challenge,
    /// It failed for now; who can wait for the appointment may wait.
    Stalled(Failure),
    /// It failed.
    Failed(Failure),
    /// The session has ended.
    SignedOut(SignOutEnd),
}

/// What is true about the tokens after a sign-out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SignOutEnd {
    /// The provider has revoked them.
    Revoked,
    /// They are forgotten here and live until then.
    LocalOnly {
        /// The end of the access token; `None` if there was none.
        valid_until: Option<Timestamp>,
    },
    /// Revocation was asked for; whether it came about is not known.
    Unconfirmed,
}
