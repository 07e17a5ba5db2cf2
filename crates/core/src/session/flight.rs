//! The steps of one exchange, the same in every state that has one.

use super::Cx;
use super::effect::{Effect, Grant, Write};
use super::event::{Answer, ExchangeId, Report};
use super::view::{ChallengeView, Failure, Held, RecordView};
use crate::error::ErrorKind;
use crate::time::Timestamp;
use crate::transport::Delivery;

/// One exchange under way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Flight {
    pub(super) id: ExchangeId,
    pub(super) grant: Grant,
    pub(super) phase: Phase,
    /// What the caller has asked for meanwhile; done when this exchange is over.
    pub(super) then: Then,
}

/// What the flight is waiting for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    Preparing,
    Locking,
    Journaling,
    Sending,
    Committing(Pending),
}

/// What is being written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pending {
    Tokens {
        held: Held,
        progress: bool,
    },
    Challenge(ChallengeView),
    /// A refusal or another mark; the failure that it is about.
    Mark(Write, Failure),
    /// Tokens that were kept in memory only.
    Save,
    /// The end of the session, before its revocation.
    Ending,
    Tombstone {
        revoked: Revoked,
    },
}

/// How revoking went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Revoked {
    Yes,
    Impossible,
    Unconfirmed,
}

/// What follows an exchange. The later wish wins, except that a sign-out stays.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) enum Then {
    #[default]
    Rest,
    SignIn,
    SignOut,
}

/// Where a report has brought the flight.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// On to the next phase; its effect is out.
    On(Flight),
    /// The scheduler says: not before. Nothing is held.
    Deferred(Flight, Timestamp),
    /// The lock is held: decide.
    Locked(Flight, Box<RecordView>),
    /// Something came back, or nothing: decide. The lock is held.
    Answered(Flight, Answer),
    /// It is written. The lock is held.
    Committed(Flight, Pending),
    /// It is not written, and this is what the store holds. The lock may be lost.
    Superseded(Flight, Option<Pending>, Box<RecordView>),
    /// It failed before anything was sent.
    Failed(Flight, Failure),
    /// It was not written.
    Unwritten(Flight, Pending, Failure),
}

impl Flight {
    /// Begins with the scheduler's leave.
    pub(super) fn begin(grant: Grant, cx: Cx<'_>, out: &mut Vec<Effect>) -> Self {
        out.push(Effect::Prepare(cx.exchange, grant));
        Self { id: cx.exchange, grant, phase: Phase::Preparing, then: Then::Rest }
    }

    /// Begins at the lock: nothing is bought.
    pub(super) fn begin_locking(grant: Grant, cx: Cx<'_>, out: &mut Vec<Effect>) -> Self {
        out.push(Effect::Lock(cx.exchange));
        Self { id: cx.exchange, grant, phase: Phase::Locking, then: Then::Rest }
    }

    /// The same flight with the caller's wish for afterwards.
    pub(super) fn wishing(mut self, wish: Then) -> Self {
        if self.then != Then::SignOut {
            self.then = wish;
        }
        self
    }

    pub(super) fn journal(mut self, out: &mut Vec<Effect>) -> Self {
        self.phase = Phase::Journaling;
        out.push(Effect::Journal(self.id, self.grant));
        self
    }

    pub(super) fn send(mut self, out: &mut Vec<Effect>) -> Self {
        self.phase = Phase::Sending;
        out.push(Effect::Send(self.id, self.grant));
        self
    }

    pub(super) fn commit(mut self, write: Write, pending: Pending, out: &mut Vec<Effect>) -> Self {
        self.phase = Phase::Committing(pending);
        out.push(Effect::Commit(self.id, write));
        self
    }

    /// The same flight after the wall clock was set.
    pub(super) fn shifted(mut self, by_millis: i64) -> Self {
        match &mut self.phase {
            Phase::Committing(Pending::Tokens { held, .. }) => *held = held.shifted(by_millis),
            Phase::Committing(Pending::Challenge(challenge)) => {
                challenge.expires_at = challenge.expires_at.shifted(by_millis);
            }
            _ => {}
        }
        self
    }

    /// Lets the lock go, if it is held. The flight is over.
    pub(super) fn end(self, out: &mut Vec<Effect>) {
        out.push(Effect::Unlock(self.id));
    }

    /// Takes in a report. A report that does not fit the phase is a driver's mistake and changes
    /// nothing.
    pub(super) fn step(mut self, report: Report, out: &mut Vec<Effect>) -> Step {
        match (self.phase, report) {
            (Phase::Preparing, Report::Deferred(until)) => Step::Deferred(self, until),
            (Phase::Preparing, Report::Prepared) => {
                self.phase = Phase::Locking;
                out.push(Effect::Lock(self.id));
                Step::On(self)
            }
            (Phase::Locking, Report::Locked(view)) => Step::Locked(self, view),
            (Phase::Journaling, Report::Journaled) => Step::On(self.send(out)),
            (Phase::Journaling, Report::Superseded(view)) => Step::Superseded(self, None, view),
            (Phase::Sending, Report::Answered(answer)) => Step::Answered(self, answer),
            (Phase::Sending, Report::Lost) => {
                let lost = Answer::Lost(Delivery::Unknown, Failure::new(ErrorKind::Internal));
                Step::Answered(self, lost)
            }
            (Phase::Committing(pending), Report::Committed) => Step::Committed(self, pending),
            (Phase::Committing(pending), Report::Superseded(view)) => {
                Step::Superseded(self, Some(pending), view)
            }
            (Phase::Committing(pending), Report::Failed(failure)) => {
                Step::Unwritten(self, pending, failure)
            }
            (Phase::Committing(pending), Report::Lost) => {
                Step::Unwritten(self, pending, Failure::new(ErrorKind::Internal))
            }
            (Phase::Preparing | Phase::Locking | Phase::Journaling, Report::Failed(failure)) => {
                Step::Failed(self, failure)
            }
            (Phase::Preparing | Phase::Locking | Phase::Journaling, Report::Lost) => {
                Step::Failed(self, Failure::new(ErrorKind::Internal))
            }
            _ => Step::On(self),
        }
    }
}
