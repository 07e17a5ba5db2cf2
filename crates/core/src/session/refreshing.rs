//! A refresh is under way.

use super::Cx;
use super::ambiguous::{Ambiguous, last_replay};
use super::effect::{Effect, Source, Told, Write};
use super::event::{Answer, Event};
use super::flight::{Flight, Pending, Step, Then};
use super::revoking::Revoking;
use super::state::{
    Intent, State, Tokens, adopt, afterwards, ask, automatic, begin, ended, replaces, rest_on,
    slowly, stall, stall_until,
};
use super::view::{Failure, Held, JournalView, RecordView};
use crate::error::{Certainty, ErrorKind, Recovery};
use crate::transport::Delivery;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Refreshing {
    pub(super) flight: Flight,
    pub(super) tokens: Tokens,
    /// How many tries have failed before this one.
    pub(super) attempt: u32,
    /// The refresh token has met a refusal before that may have hidden another cause.
    pub(super) suspected: bool,
    /// The outcome of an earlier sending of this very token is unknown.
    pub(super) replaying: bool,
}

impl Refreshing {
    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Flight(_, report) => {
                let step = self.flight.step(report, out);
                self.stepped(step, cx, out)
            }
            Event::Rejected(generation) if self.tokens.is(generation) => {
                self.tokens = self.tokens.refuse(out);
                State::Refreshing(self)
            }
            Event::SignOut => {
                self.tokens = self.tokens.refuse(out);
                self.flight = self.flight.wishing(Then::SignOut);
                State::Refreshing(self)
            }
            Event::SignIn => {
                self.flight = self.flight.wishing(Then::SignIn);
                State::Refreshing(self)
            }
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.shifted(by);
                self.flight = self.flight.shifted(by);
                State::Refreshing(self)
            }
            // The exchange under way answers whoever wants a token, and reads the record itself.
            Event::Rejected(_)
            | Event::Wanted
            | Event::Due
            | Event::Answer
            | Event::Observed(_) => State::Refreshing(self),
        }
    }

    fn stepped(mut self, step: Step, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match step {
            Step::On(flight) => {
                self.flight = flight;
                State::Refreshing(self)
            }
            Step::Deferred(flight, until) => {
                flight.end(out);
                let failure = Failure {
                    recovery: Recovery::WaitUntil(until),
                    ..Failure::new(ErrorKind::RateLimited)
                };
                let Self { tokens, attempt, .. } = self;
                let state =
                    stall_until(Intent::Refresh, Some(tokens), attempt, failure, until, cx, out);
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
                self.failed(flight.then, failure, cx, out)
            }
        }
    }

    /// The lock is held and the record read again: adopt, judge what an earlier try has left, or go.
    fn locked(
        mut self,
        flight: Flight,
        view: &RecordView,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        if flight.then == Then::SignOut {
            return Revoking::at_lock(flight, Some(self.tokens), Some(view), cx, out);
        }
        if replaces(view, Some(&self.tokens)) {
            let state = adopt(view, cx, out);
            flight.end(out);
            return afterwards(state, flight.then, cx, out);
        }
        self.tokens.kept |= view.refresh_kept;
        self.suspected = view.suspicion > 0;
        if let Some(stored) = view.tokens.filter(|stored| self.tokens.is(stored.generation)) {
            self.tokens.held.refresh = stored.refresh;
        }
        if !self.tokens.refreshable(cx) {
            flight.end(out);
            return self.over(flight.then, Failure::new(ErrorKind::InvalidGrant), cx, out);
        }
        if cx.rules.spends(self.tokens.kept).is_none() {
            self.flight = flight.send(out);
            return State::Refreshing(self);
        }
        let ours = self.tokens.held.refresh.map(|refresh| refresh.token);
        let journal = view.journal.filter(|journal| Some(journal.refresh) == ours);
        self.replaying = journal.is_some();
        if let Some(journal) = journal
            && last_replay(journal, self.tokens.kept, cx.rules).is_none_or(|last| cx.now > last)
        {
            // Nobody can tell any more whether it is spent: it is never sent again.
            flight.end(out);
            self.bury();
            return self.over(flight.then, Failure::new(ErrorKind::Ambiguous), cx, out);
        }
        if journal.is_none() && !view.tokens.is_some_and(|stored| self.tokens.is(stored.generation))
        {
            // The store has not heard of these tokens. A mark beside older ones would hide that those are spent.
            self.flight = flight.commit(Write::Tokens, Pending::Save, out);
            return State::Refreshing(self);
        }
        self.flight = flight.journal(out);
        State::Refreshing(self)
    }

    fn answered(
        mut self,
        flight: Flight,
        answer: Answer,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let spends = cx.rules.spends(self.tokens.kept).is_some();
        let (failure, acted) = match answer {
            Answer::Tokens { held, progress } => {
                if flight.then == Then::SignOut {
                    return Revoking::with_answer(flight, Some(self.tokens), held, cx, out);
                }
                let pending = Pending::Tokens { held, progress };
                self.flight = flight.commit(Write::Tokens, pending, out);
                return State::Refreshing(self);
            }
            // No provider answers a refresh so; whether it acted is anybody's guess.
            Answer::Challenge(_) | Answer::Done => (Failure::new(ErrorKind::Protocol), true),
            Answer::Refused(failure) => (failure, failure.may_have_acted),
            Answer::Lost(delivery, failure) => (failure, delivery == Delivery::Unknown),
        };
        if spends && self.replaying && failure.certainty == Certainty::Possible {
            // Whether this hides an outage or not: what the earlier sending did is still not known.
            return self.ambiguous(flight, cx, out);
        }
        if ends_the_session(failure) {
            let write = match failure.certainty {
                // One refusal that may hide an outage ends nothing; the second one does.
                Certainty::Possible if !self.suspected => Write::Suspect,
                _ => Write::RefreshDead,
            };
            self.flight = flight.commit(write, Pending::Mark(write, failure), out);
            return State::Refreshing(self);
        }
        if !spends {
            flight.end(out);
            return self.failed(flight.then, failure, cx, out);
        }
        // What this sending did not do, an earlier one may have done.
        if acted || self.replaying {
            return self.ambiguous(flight, cx, out);
        }
        let pending = Pending::Mark(Write::ClearJournal, failure);
        self.flight = flight.commit(Write::ClearJournal, pending, out);
        State::Refreshing(self)
    }

    fn written(
        mut self,
        flight: Flight,
        pending: Pending,
        saved: bool,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        match pending {
            Pending::Tokens { held, progress } => {
                let tokens = self.next(held, saved);
                if flight.then == Then::SignOut {
                    return Revoking::at_lock(flight, Some(tokens), None, cx, out);
                }
                tokens.publish(Source::Answer, out);
                flight.end(out);
                out.push(Effect::Tell(Told::Tokens));
                let state = if progress {
                    rest_on(tokens, cx, out)
                } else {
                    // The same token once more: it was too early, and asking again would not help.
                    let failure = Failure::new(ErrorKind::RateLimited);
                    stall(Intent::Refresh, Some(tokens), self.attempt + 1, failure, cx, out)
                };
                afterwards(state, flight.then, cx, out)
            }
            Pending::Mark(Write::RefreshDead, failure) => {
                flight.end(out);
                self.bury();
                self.over(flight.then, failure, cx, out)
            }
            Pending::Mark(Write::Suspect, failure) => {
                flight.end(out);
                self.failed(flight.then, slowly(failure, cx), cx, out)
            }
            Pending::Mark(_, failure) => {
                flight.end(out);
                self.failed(flight.then, failure, cx, out)
            }
            Pending::Save if saved => self.go_on(flight, cx, out),
            Pending::Save => {
                flight.end(out);
                self.failed(flight.then, Failure::new(ErrorKind::Store), cx, out)
            }
            // A refresh brings no challenge and no end.
            Pending::Challenge(_) | Pending::Ending | Pending::Tombstone { .. } => {
                State::Refreshing(self)
            }
        }
    }

    /// The store has what is held: now the mark can name it.
    fn go_on(mut self, flight: Flight, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        (self.tokens.saved, self.tokens.over) = (true, None);
        if flight.then == Then::SignOut {
            return Revoking::at_lock(flight, Some(self.tokens), None, cx, out);
        }
        if !self.tokens.refused {
            self.tokens.publish(Source::Answer, out);
        }
        self.flight = flight.journal(out);
        State::Refreshing(self)
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
            return Revoking::beside(Some(self.tokens), view, cx, out);
        }
        if replaces(view, Some(&self.tokens)) {
            // Whoever ended the session meant these tokens too. A newer generation of the same family
            // would die with them: then they are only forgotten.
            if ended(view, Some(&self.tokens)) && matches!(pending, Some(Pending::Tokens { .. })) {
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
                self.failed(flight.then, Failure::new(ErrorKind::Store), cx, out)
            }
        }
    }

    fn ambiguous(self, flight: Flight, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        flight.end(out);
        let Some(refresh) = self.tokens.held.refresh else {
            return self.failed(flight.then, Failure::new(ErrorKind::Ambiguous), cx, out);
        };
        // Only names this try: what counts is the mark in the store, read again under the lock.
        let journal =
            JournalView { refresh: refresh.token, sent_at: cx.now, attempt: self.attempt + 1 };
        let state = Ambiguous::enter(self.tokens, journal, self.attempt + 1, cx, out);
        afterwards(state, flight.then, cx, out)
    }

    /// A failure that ends nothing, unless a person is needed.
    fn failed(self, then: Then, failure: Failure, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let Self { tokens, attempt, .. } = self;
        let state = if lasts(failure) {
            ask(failure, Some(tokens), cx, out)
        } else {
            stall(Intent::Refresh, Some(tokens), attempt + 1, failure, cx, out)
        };
        afterwards(state, then, cx, out)
    }

    /// The refresh token is over: a sign-in helps, by itself where that is allowed.
    fn over(self, then: Then, failure: Failure, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let Self { tokens, .. } = self;
        let helps = matches!(failure.kind, ErrorKind::InvalidGrant | ErrorKind::Ambiguous);
        match automatic(cx.rules).filter(|_| helps && then == Then::Rest) {
            Some(intent) => begin(intent, Some(tokens), 0, cx, out),
            None => {
                let state = ask(failure, Some(tokens), cx, out);
                afterwards(state, then, cx, out)
            }
        }
    }

    fn bury(&mut self) {
        if let Some(refresh) = &mut self.tokens.held.refresh {
            refresh.dead = true;
        }
    }

    fn next(&self, held: Held, saved: bool) -> Tokens {
        let old = self.tokens.held.refresh.map(|refresh| refresh.token);
        Tokens {
            held,
            refused: false,
            strikes: if self.tokens.refused { self.tokens.strikes.saturating_add(1) } else { 0 },
            saved,
            over: self.tokens.over.filter(|_| !saved),
            kept: held.refresh.is_some_and(|refresh| Some(refresh.token) == old),
        }
    }
}

/// Whether `failure` says that the refresh token, or the account behind it, is over.
fn ends_the_session(failure: Failure) -> bool {
    matches!(
        failure.kind,
        ErrorKind::InvalidGrant
            | ErrorKind::AccountDisabled
            | ErrorKind::AccountUnverified
            | ErrorKind::PasswordResetRequired
    )
}

/// Whether trying the same again by itself is useless. What a gateway, a source or a defect did may
/// pass.
fn lasts(failure: Failure) -> bool {
    matches!(failure.recovery, Recovery::GiveUp | Recovery::AskUser)
        && !matches!(
            failure.kind,
            ErrorKind::Protocol
                | ErrorKind::Internal
                | ErrorKind::Credentials
                | ErrorKind::InvalidGrant
                | ErrorKind::CodeMismatch
        )
}
