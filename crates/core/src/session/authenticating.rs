//! A sign-in, or the answer to a challenge, is under way.

use super::Cx;
use super::challenged::Challenged;
use super::effect::{Appointment, Effect, Grant, Purpose, Source, Told, Write};
use super::event::{Answer, Event};
use super::flight::{Flight, Pending, Step, Then};
use super::locked_out::LockedOut;
use super::revoking::Revoking;
use super::state::{
    Intent, State, Tokens, adopt, afterwards, ask, newer, refuse, replaces, rest_on, slowly, stall,
    stall_until,
};
use super::view::{ChallengeView, Failure, RecordView, RefusedView};
use crate::capability::RevokeSupport;
use crate::error::{Certainty, ErrorKind, Recovery};
use crate::time::Timestamp;
use crate::transport::Delivery;

/// How long an account is left alone whose lock has no documented end.
const UNKNOWN_LOCK: std::time::Duration = std::time::Duration::from_secs(15 * 60);

const DAY: i64 = 86_400;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Authenticating {
    pub(super) flight: Flight,
    /// Served meanwhile, if they are good.
    pub(super) tokens: Option<Tokens>,
    /// The challenge that is answered; `None` in a sign-in.
    pub(super) challenge: Option<ChallengeView>,
    /// How many tries have failed before this one.
    pub(super) attempt: u32,
    /// How often this very secret was refused before, by anyone who shares the account.
    pub(super) refusals: u32,
    /// The end of a session over which this one is begun by name, by how far the record had come.
    pub(super) over: Option<u64>,
}

impl Authenticating {
    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Flight(_, report) => {
                let step = self.flight.step(report, out);
                self.stepped(step, cx, out)
            }
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::Authenticating(self)
            }
            Event::SignOut => {
                self.tokens = self.tokens.map(|tokens| tokens.refuse(out));
                self.flight = self.flight.wishing(Then::SignOut);
                State::Authenticating(self)
            }
            // A second explicit sign-in joins the first.
            Event::SignIn if self.flight.grant == (Grant::SignIn { explicit: true }) => {
                State::Authenticating(self)
            }
            Event::SignIn => {
                self.flight = self.flight.wishing(Then::SignIn);
                State::Authenticating(self)
            }
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                self.flight = self.flight.shifted(by);
                if let Some(challenge) = &mut self.challenge {
                    challenge.expires_at = challenge.expires_at.shifted(by);
                }
                State::Authenticating(self)
            }
            // The exchange under way answers whoever wants a token, and reads the record itself.
            Event::Wanted | Event::Due | Event::Answer | Event::Observed(_) => {
                State::Authenticating(self)
            }
        }
    }

    fn stepped(mut self, step: Step, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match step {
            Step::On(flight) => {
                self.flight = flight;
                State::Authenticating(self)
            }
            Step::Deferred(flight, until) => {
                flight.end(out);
                let failure = Failure::until(ErrorKind::RateLimited, until);
                let state = match self.challenge {
                    Some(challenge) => self.keep(challenge, failure, out),
                    None => {
                        let (intent, tokens, attempt) = (self.intent(), self.tokens, self.attempt);
                        stall_until(intent, tokens, attempt, failure, until, cx, out)
                    }
                };
                afterwards(state, flight.then, cx, out)
            }
            Step::Locked(flight, view) => self.locked(flight, &view, cx, out),
            Step::Answered(flight, answer) => self.answered(flight, answer, cx, out),
            Step::Committed(flight, pending) => self.written(flight, pending, true, cx, out),
            Step::Unwritten(flight, pending, _) => self.written(flight, pending, false, cx, out),
            Step::Superseded(flight, pending, view) => {
                self.superseded(flight, pending, &view, cx, out)
            }
            Step::Failed(flight, failure) => {
                flight.end(out);
                let then = flight.then;
                let state = match self.challenge {
                    Some(challenge) => self.keep(challenge, failure, out),
                    None => self.failed(failure, cx, out),
                };
                afterwards(state, then, cx, out)
            }
        }
    }

    /// The lock is held and the record read again. What others have done, and what the account must be
    /// spared, is known now.
    fn locked(
        mut self,
        flight: Flight,
        view: &RecordView,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        if flight.then == Then::SignOut {
            return Revoking::at_lock(flight, self.tokens, Some(view), cx, out);
        }
        let explicit = flight.grant == Grant::SignIn { explicit: true };
        self.over = match explicit {
            true => view.ended.then_some(view.counter),
            false => self.tokens.and_then(|tokens| tokens.over),
        };
        let state = if !explicit && replaces(view, self.tokens.as_ref()) {
            adopt(view, cx, out)
        } else if let Some(until) = view.guards.locked_until.filter(|until| *until > cx.now) {
            LockedOut::enter(until, self.tokens, cx, out)
        } else if let Some(challenge) = self.challenge {
            let open = |stored: &ChallengeView| {
                stored.id == challenge.id && !stored.claimed && stored.expires_at > cx.now
            };
            let used = view.guards.code_free_at.filter(|until| *until > cx.now);
            match (view.challenge.as_ref().is_some_and(open), used) {
                (true, None) => {
                    self.flight = flight.journal(out);
                    return State::Authenticating(self);
                }
                // The adapter makes a code of its own along with the answer, and this step's is used up.
                (true, Some(until)) => {
                    Challenged::wait_for_step(challenge, self.tokens, until, out)
                }
                // Somebody else is answering it, or has.
                (false, _) => self.settle(Failure::new(ErrorKind::ChallengeExpired), cx, out),
            }
        } else if let Some(failure) = self.held_back(view, explicit, cx) {
            ask(failure, self.tokens, cx, out)
        } else if let Some(challenge) =
            view.challenge.filter(|challenge| !explicit && challenge.expires_at > cx.now)
        {
            Challenged::enter(challenge, self.tokens, out)
        } else if let Some(until) = view.guards.code_free_at.filter(|until| *until > cx.now) {
            self.wait_for_step(until, cx, out)
        } else {
            self.refusals = view.guards.refused.map_or(0, |refused| refused.tries);
            self.flight = flight.journal(out);
            return State::Authenticating(self);
        };
        flight.end(out);
        afterwards(state, flight.then, cx, out)
    }

    /// Why a sign-in by itself is not sent.
    fn held_back(&self, view: &RecordView, explicit: bool, cx: Cx<'_>) -> Option<Failure> {
        if explicit {
            return None;
        }
        if view.guards.refused.is_some_and(RefusedView::holds_back) {
            return Some(Failure::new(ErrorKind::InvalidGrant));
        }
        cx.rules.day_is_full(view.guards.sign_ins_today).then(|| {
            let tomorrow = (cx.now.as_seconds().div_euclid(DAY) + 1) * DAY;
            Failure::until(ErrorKind::NeedsSignIn, Timestamp::from_seconds(tomorrow))
        })
    }

    /// The one-time code of this step is used up; the next step has another.
    fn wait_for_step(&self, until: Timestamp, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let failure = Failure::until(ErrorKind::CodeMismatch, until);
        let intent = self.intent();
        let state = stall_until(intent, self.tokens, self.attempt, failure, until, cx, out);
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Moment,
            not_before: until,
            at_latest: None,
        }));
        state
    }

    fn answered(
        mut self,
        flight: Flight,
        answer: Answer,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let (failure, delivery) = match answer {
            Answer::Tokens { held, progress } => {
                if flight.then == Then::SignOut {
                    // Two families: the answer's is revoked beside, the one that was there by the
                    // sign-out itself.
                    if self.tokens.is_some_and(|tokens| tokens.held.refresh.is_some()) {
                        out.push(Effect::Discard);
                    }
                    return Revoking::with_answer(flight, self.tokens, held, cx, out);
                }
                let pending = Pending::Tokens { held, progress };
                self.flight = flight.commit(Write::Tokens, pending, out);
                return State::Authenticating(self);
            }
            Answer::Challenge(_) if flight.then == Then::SignOut => {
                return Revoking::at_lock(flight, self.tokens, None, cx, out);
            }
            Answer::Challenge(challenge) => {
                self.flight = flight.commit(Write::Challenge, Pending::Challenge(challenge), out);
                return State::Authenticating(self);
            }
            Answer::Done => (Failure::new(ErrorKind::Protocol), Some(Delivery::Unknown)),
            Answer::Refused(failure) => (failure, None),
            Answer::Lost(delivery, failure) => (failure, Some(delivery)),
        };
        let write = if failure.kind == ErrorKind::AccountLocked {
            let until = failure.not_before().unwrap_or(cx.now.after(UNKNOWN_LOCK));
            Some(Write::LockedUntil(until))
        } else {
            match self.challenge {
                Some(challenge) => Some(after_answer(challenge, failure, delivery)),
                // Whatever the reason: the same secret is not sent again by itself.
                None if passes(failure) => {
                    // What broke off inside may have lost its task: nobody would write.
                    let counted = flight.grant == (Grant::SignIn { explicit: false })
                        && failure.kind != ErrorKind::Internal;
                    counted.then_some(Write::Uncounted)
                }
                None => Some(Write::Refused(failure.certainty)),
            }
        };
        match write {
            Some(write) => {
                self.flight = flight.commit(write, Pending::Mark(write, failure), out);
                State::Authenticating(self)
            }
            None => {
                flight.end(out);
                let state = self.failed(failure, cx, out);
                afterwards(state, flight.then, cx, out)
            }
        }
    }

    fn written(
        self,
        flight: Flight,
        pending: Pending,
        saved: bool,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let then = flight.then;
        let state = match pending {
            Pending::Tokens { held, .. } => {
                let explicit = flight.grant == Grant::SignIn { explicit: true };
                let refused = self.tokens.filter(|tokens| tokens.refused && !explicit);
                let strikes = refused.map_or(0, |tokens| tokens.strikes.saturating_add(1));
                let kept = self.tokens.is_some_and(|tokens| tokens.kept);
                let over = self.over.filter(|_| !saved);
                let tokens = Tokens { held, refused: false, strikes, saved, over, kept };
                if then == Then::SignOut {
                    return Revoking::at_lock(flight, Some(tokens), None, cx, out);
                }
                if explicit && saved {
                    self.retire(&tokens, cx, out);
                }
                tokens.publish(Source::Answer, out);
                flight.end(out);
                out.push(Effect::Tell(Told::Tokens));
                return afterwards(rest_on(tokens, cx, out), then, cx, out);
            }
            Pending::Challenge(challenge) => Challenged::enter(challenge, self.tokens, out),
            Pending::Mark(Write::LockedUntil(until), _) => {
                LockedOut::enter(until, self.tokens, cx, out)
            }
            Pending::Mark(Write::Uncounted, failure) => self.failed(failure, cx, out),
            Pending::Mark(Write::Unclaim, failure) => match self.challenge {
                Some(challenge) => self.keep(challenge, failure, out),
                None => ask(failure, self.tokens, cx, out),
            },
            Pending::Mark(Write::Refused(Certainty::Possible), failure) if self.refusals == 0 => {
                // It may hide another cause: one more try, slowly.
                let intent = self.intent();
                stall(intent, self.tokens, self.attempt + 1, slowly(failure, cx), cx, out)
            }
            Pending::Mark(_, failure) => self.settle(failure, cx, out),
            // A sign-in writes none of them.
            Pending::Save | Pending::Ending | Pending::Tombstone { .. } => {
                State::Authenticating(self)
            }
        };
        flight.end(out);
        afterwards(state, then, cx, out)
    }

    /// Who signs in by name while tokens are held leaves nothing behind that could still be used. What a
    /// sibling has bought meanwhile is the sibling's.
    fn retire(&self, next: &Tokens, cx: Cx<'_>, out: &mut Vec<Effect>) {
        let Some(old) = self.tokens.and_then(|tokens| tokens.held.refresh) else { return };
        let same = next.held.refresh.is_some_and(|refresh| refresh.token == old.token);
        if !old.dead && !same && cx.rules.revoke != RevokeSupport::None {
            out.push(Effect::Retire);
        }
    }

    fn superseded(
        self,
        flight: Flight,
        pending: Option<Pending>,
        view: &RecordView,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        if flight.then == Then::SignOut {
            if matches!(pending, Some(Pending::Tokens { .. })) {
                out.push(Effect::Discard);
            }
            flight.end(out);
            return Revoking::beside(self.tokens, view, cx, out);
        }
        if self.is_replaced_by(view) {
            // Tokens of a sign-in are a family of their own: revoking them harms nobody.
            if matches!(pending, Some(Pending::Tokens { .. })) {
                out.push(Effect::Discard);
            }
            let state = adopt(view, cx, out);
            flight.end(out);
            return afterwards(state, flight.then, cx, out);
        }
        match pending {
            Some(pending) => self.written(flight, pending, false, cx, out),
            None => {
                flight.end(out);
                let failure = Failure::new(match self.challenge {
                    Some(_) => ErrorKind::ChallengeExpired,
                    None => ErrorKind::Store,
                });
                let state = match self.challenge {
                    Some(_) => self.settle(failure, cx, out),
                    None => self.failed(failure, cx, out),
                };
                afterwards(state, flight.then, cx, out)
            }
        }
    }

    /// Whether what a sibling has written since the lock was had takes the place of this sign-in.
    fn is_replaced_by(&self, view: &RecordView) -> bool {
        let ended = view.ended && self.over.is_none_or(|over| view.counter > over);
        ended || newer(view, self.tokens.as_ref())
    }

    /// Back to the challenge; whoever answered hears why.
    fn keep(&self, challenge: ChallengeView, failure: Failure, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Tell(Told::Failed(failure)));
        Challenged::enter(challenge, self.tokens, out)
    }

    /// No sign-in came of it: what can still be refreshed is gone back to, else the caller is asked.
    fn settle(&self, failure: Failure, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match self.tokens {
            Some(tokens) if tokens.refreshable(cx) => {
                out.push(Effect::Tell(Told::Failed(failure)));
                rest_on(tokens, cx, out)
            }
            tokens => ask(failure, tokens, cx, out),
        }
    }

    fn failed(&self, failure: Failure, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        if passes(failure) {
            stall(self.intent(), self.tokens, self.attempt + 1, failure, cx, out)
        } else {
            self.settle(failure, cx, out)
        }
    }

    fn intent(&self) -> Intent {
        Intent::SignIn { explicit: self.flight.grant == Grant::SignIn { explicit: true } }
    }
}

/// Whether `failure` may pass by itself.
fn passes(failure: Failure) -> bool {
    match failure.kind {
        ErrorKind::InvalidGrant | ErrorKind::CodeMismatch => false,
        ErrorKind::Protocol | ErrorKind::Internal => true,
        _ => matches!(failure.recovery, Recovery::Retry | Recovery::WaitUntil(_)),
    }
}

/// What becomes of a challenge whose answer brought no tokens.
fn after_answer(challenge: ChallengeView, failure: Failure, delivery: Option<Delivery>) -> Write {
    let untouched = delivery == Some(Delivery::NotSent) || failure.kind == ErrorKind::RateLimited;
    // An answer that may have arrived is not sent again: the challenge may be used up.
    let again = challenge.reanswerable
        && delivery.is_none()
        && !failure.may_have_acted
        && !matches!(failure.kind, ErrorKind::ChallengeExpired | ErrorKind::InvalidGrant);
    if untouched || again { Write::Unclaim } else { Write::DropChallenge }
}
