//! The session is being ended.

use super::Cx;
use super::effect::{Effect, Grant, SignOutEnd, Told, Write};
use super::event::{Answer, Event};
use super::flight::{Flight, Pending, Revoked, Step, Then};
use super::signed_out::SignedOut;
use super::state::{State, Tokens, afterwards};
use super::view::{Failure, Held, RecordView};
use crate::capability::RevokeSupport;
use crate::error::{Certainty, ErrorKind};
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Revoking {
    pub(super) flight: Flight,
    /// The end of the access token that was handed out last.
    pub(super) valid_until: Option<Timestamp>,
    /// There is a refresh token to revoke.
    pub(super) revocable: bool,
    /// The highest generation that is being ended.
    pub(super) counter: u64,
    /// What the store holds was not seen under the lock: a sibling may have bought more than is revoked.
    pub(super) unseen: bool,
    /// A sibling has written between our look and our tombstone, which is being written once more.
    pub(super) again: bool,
}

impl Revoking {
    /// From a state without an exchange. From here on nothing is handed out.
    pub(super) fn enter(tokens: Option<Tokens>, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Unpublish);
        let flight = Flight::begin_locking(Grant::Revoke, cx, out);
        State::Revoking(Self::of(flight, [tokens.map(|tokens| tokens.held), None], cx))
    }

    /// From an end: the store may not have heard of it, or hold what was not read here. What has ended stays so.
    pub(super) fn again(ended_at: u64, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Unpublish);
        let flight = Flight::begin_locking(Grant::Revoke, cx, out);
        State::Revoking(Self { counter: ended_at, ..Self::of(flight, [None, None], cx) })
    }

    /// From a flight that was told what the store holds instead of what we have.
    pub(super) fn beside(
        tokens: Option<Tokens>,
        view: &RecordView,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        out.push(Effect::Unpublish);
        let flight = Flight::begin_locking(Grant::Revoke, cx, out);
        let mut state = Self::of(flight, [tokens.map(|tokens| tokens.held), None], cx);
        state.count_in(view, cx);
        State::Revoking(state)
    }

    /// From an exchange that holds the lock and has not sent, or has come back with nothing to revoke
    /// beyond `tokens` and what the record shows.
    pub(super) fn at_lock(
        flight: Flight,
        tokens: Option<Tokens>,
        view: Option<&RecordView>,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        out.push(Effect::Unpublish);
        let mut state = Self::of(flight, [tokens.map(|tokens| tokens.held), None], cx);
        if let Some(view) = view {
            state.count_in(view, cx);
        }
        state.go(cx, out)
    }

    /// From an exchange whose answer came after the caller had ended the session: its tokens are
    /// revoked, never published.
    pub(super) fn with_answer(
        flight: Flight,
        tokens: Option<Tokens>,
        answer: Held,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        out.push(Effect::Unpublish);
        Self::of(flight, [tokens.map(|tokens| tokens.held), Some(answer)], cx).go(cx, out)
    }

    /// What ends is all that is known, here and in the store.
    fn of(flight: Flight, held: [Option<Held>; 2], cx: Cx<'_>) -> Self {
        Self {
            flight,
            valid_until: held.into_iter().filter_map(|held| end(held, cx)).max(),
            revocable: held.into_iter().flatten().any(|held| held.refresh.is_some()),
            counter: counter(held),
            unseen: false,
            again: false,
        }
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Flight(_, report) => {
                let step = self.flight.step(report, out);
                self.stepped(step, cx, out)
            }
            Event::SignIn => {
                self.flight.then = Then::SignIn;
                State::Revoking(self)
            }
            Event::ClockJumped(by) => {
                self.valid_until = self.valid_until.map(|until| until.shifted(by));
                State::Revoking(self)
            }
            // Whoever wished to sign in meanwhile was told otherwise since.
            Event::SignOut => {
                self.flight.then = Then::Rest;
                State::Revoking(self)
            }
            // What stands there before the tombstone is ended with it.
            Event::Observed(view) => {
                self.counter = self.counter.max(view.counter);
                State::Revoking(self)
            }
            // It is ended already, nothing is handed out, and nothing else counts any more.
            Event::Wanted | Event::Rejected(_) | Event::Answer | Event::Due => {
                State::Revoking(self)
            }
        }
    }

    fn go(mut self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        self.flight.grant = Grant::Revoke;
        self.flight.then = Then::Rest;
        if self.revocable && cx.rules.revoke != RevokeSupport::None {
            // A provider may take its time, and this process may not have it: first of all it is over for everybody.
            self.flight = self.flight.commit(Write::Ending, Pending::Ending, out);
            State::Revoking(self)
        } else {
            self.bury(Revoked::Impossible, out)
        }
    }

    /// What the store holds is ended too.
    fn count_in(&mut self, view: &RecordView, cx: Cx<'_>) {
        self.valid_until = self.valid_until.max(end(view.tokens, cx));
        self.revocable |= view.tokens.is_some_and(|held| held.refresh.is_some());
        self.counter = self.counter.max(counter([view.tokens])).max(view.counter);
    }

    fn revoke(mut self, flight: Flight, out: &mut Vec<Effect>) -> State {
        self.flight = flight.send(out);
        State::Revoking(self)
    }

    fn bury(mut self, revoked: Revoked, out: &mut Vec<Effect>) -> State {
        let pending = Pending::Tombstone { revoked };
        self.flight = self.flight.commit(Write::Tombstone, pending, out);
        State::Revoking(self)
    }

    fn stepped(mut self, step: Step, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match step {
            Step::On(flight) => {
                self.flight = flight;
                State::Revoking(self)
            }
            Step::Locked(flight, view) => {
                self.flight = flight;
                self.count_in(&view, cx);
                let then = self.flight.then;
                let state = self.go(cx, out);
                keep_wish(state, then)
            }
            // The store cannot be had: what can be revoked without it is revoked all the same.
            Step::Failed(flight, _) => {
                self.flight = flight;
                self.unseen = true;
                let then = self.flight.then;
                let state = self.go(cx, out);
                keep_wish(state, then)
            }
            Step::Answered(flight, answer) => {
                self.flight = flight;
                let revoked = match answer {
                    Answer::Done => Revoked::Yes,
                    Answer::Refused(failure) if is_unknown_token(failure) => Revoked::Yes,
                    Answer::Refused(_)
                    | Answer::Lost(..)
                    | Answer::Tokens { .. }
                    | Answer::Challenge(_) => Revoked::Unconfirmed,
                };
                self.bury(revoked, out)
            }
            // What cannot be written is revoked all the same, and the tombstone is tried after that.
            Step::Committed(flight, Pending::Ending)
            | Step::Unwritten(flight, Pending::Ending, _) => self.revoke(flight, out),
            Step::Superseded(flight, Some(Pending::Ending), view) => {
                self.count_in(&view, cx);
                self.revoke(flight, out)
            }
            Step::Committed(flight, Pending::Tombstone { revoked }) => {
                self.finish(flight, revoked, true, cx, out)
            }
            // A sibling was faster, with the same.
            Step::Superseded(flight, Some(Pending::Tombstone { revoked }), view) if view.ended => {
                self.finish(flight, revoked, true, cx, out)
            }
            // What it has bought or written meanwhile ends too; whether that is revoked is not known.
            Step::Superseded(flight, _, view) if !self.again => {
                self.again = true;
                self.count_in(&view, cx);
                self.flight = flight;
                let then = self.flight.then;
                keep_wish(self.bury(Revoked::Unconfirmed, out), then)
            }
            // The tombstone is not in the store: another process may go on with the tokens.
            Step::Unwritten(flight, ..) | Step::Superseded(flight, ..) => {
                self.finish(flight, Revoked::Unconfirmed, false, cx, out)
            }
            // A revocation asks no leave and writes nothing else.
            Step::Committed(flight, _) | Step::Deferred(flight, _) => {
                self.flight = flight;
                State::Revoking(self)
            }
        }
    }

    fn finish(
        self,
        flight: Flight,
        revoked: Revoked,
        heard: bool,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let local = SignOutEnd::LocalOnly { valid_until: self.valid_until };
        let told = match (revoked, cx.rules.revoke) {
            (Revoked::Yes, _) if self.unseen => SignOutEnd::Unconfirmed,
            (Revoked::Yes, RevokeSupport::Family) => SignOutEnd::Revoked,
            // The access token outlives its refresh token.
            (Revoked::Yes, _) | (Revoked::Impossible, _) => local,
            (Revoked::Unconfirmed, _) => SignOutEnd::Unconfirmed,
        };
        flight.end(out);
        out.push(Effect::Forget);
        out.push(Effect::Unschedule);
        out.push(Effect::Tell(Told::SignedOut(told)));
        let state = SignedOut { ended: true, heard, ended_at: self.counter };
        afterwards(State::SignedOut(state), flight.then, cx, out)
    }
}

/// A sign-in that was asked for while the session was being ended still follows.
fn keep_wish(state: State, then: Then) -> State {
    match state {
        State::Revoking(mut state) => {
            state.flight.then = then;
            State::Revoking(state)
        }
        other => other,
    }
}

/// Whether the provider surely no longer knows the token, which is as revoked as can be. A refusal that may
/// hide an outage or a gateway confirms nothing.
fn is_unknown_token(failure: Failure) -> bool {
    failure.certainty == Certainty::Certain
        && matches!(failure.kind, ErrorKind::InvalidGrant | ErrorKind::InvalidToken)
}

/// The end of an access token that still lives.
fn end(held: Option<Held>, cx: Cx<'_>) -> Option<Timestamp> {
    held.map(|held| held.expires_at).filter(|end| *end > cx.now)
}

fn counter<const N: usize>(held: [Option<Held>; N]) -> u64 {
    held.into_iter().flatten().map(|held| held.generation.counter).max().unwrap_or(0)
}
