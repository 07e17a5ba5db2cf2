//! The provider asks for a further proof.

use super::Cx;
use super::authenticating::Authenticating;
use super::effect::{Appointment, Effect, Grant, Purpose, Told};
use super::event::Event;
use super::flight::Flight;
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, ask, begin, refuse, replaces, rest_on};
use super::view::{ChallengeView, Failure};
use crate::error::ErrorKind;
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Challenged {
    pub(super) challenge: ChallengeView,
    pub(super) tokens: Option<Tokens>,
    /// The answer is there and waits for the next code step, which begins then.
    pub(super) answer_at: Option<Timestamp>,
}

impl Challenged {
    pub(super) fn enter(
        challenge: ChallengeView,
        tokens: Option<Tokens>,
        out: &mut Vec<Effect>,
    ) -> State {
        let state = Self { challenge, tokens, answer_at: None };
        state.appoint(out);
        out.push(Effect::Tell(Told::Challenge));
        State::Challenged(state)
    }

    /// The answer goes out when the next code step begins. If that is too late for it, whoever answered
    /// hears so at once.
    pub(super) fn wait_for_step(
        challenge: ChallengeView,
        tokens: Option<Tokens>,
        until: Timestamp,
        out: &mut Vec<Effect>,
    ) -> State {
        let failure = Failure::until(ErrorKind::CodeMismatch, until);
        let in_time = until < challenge.expires_at;
        let state = Self { challenge, tokens, answer_at: in_time.then_some(until) };
        state.appoint(out);
        out.push(Effect::Tell(match in_time {
            true => Told::Stalled(failure),
            false => Told::Failed(failure),
        }));
        State::Challenged(state)
    }

    /// What those who want a token hear while an answer waits for its code step.
    pub(super) fn stalled(&self) -> Option<Failure> {
        self.answer_at.map(|until| Failure::until(ErrorKind::CodeMismatch, until))
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Answer | Event::Due if cx.now >= self.challenge.expires_at => {
                self.leave(cx, out)
            }
            Event::Answer => self.answer(cx, out),
            Event::Due if self.answer_at.is_some_and(|at| cx.now >= at) => self.answer(cx, out),
            Event::Due => {
                self.appoint(out);
                State::Challenged(self)
            }
            Event::SignIn => begin(Intent::SignIn { explicit: true }, self.tokens, 0, cx, out),
            Event::SignOut => Revoking::enter(self.tokens, cx, out),
            Event::Wanted => {
                out.push(Effect::Tell(self.stalled().map_or(Told::Challenge, Told::Stalled)));
                State::Challenged(self)
            }
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::Challenged(self)
            }
            // Another process has answered it, or ended the session.
            Event::Observed(view) if replaces(&view, self.tokens.as_ref()) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                self.challenge.expires_at = self.challenge.expires_at.shifted(by);
                self.answer_at = self.answer_at.map(|at| at.shifted(by));
                self.appoint(out);
                State::Challenged(self)
            }
            // An older record; no exchange under way.
            Event::Observed(_) | Event::Flight(..) => State::Challenged(self),
        }
    }

    fn answer(self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        State::Authenticating(Authenticating {
            flight: Flight::begin(Grant::Answer, cx, out),
            tokens: self.tokens,
            challenge: Some(self.challenge),
            attempt: 0,
            refusals: 0,
            over: None,
        })
    }

    fn appoint(&self, out: &mut Vec<Effect>) {
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Moment,
            not_before: self.answer_at.unwrap_or(self.challenge.expires_at),
            at_latest: None,
        }));
    }

    /// Its time is over: back to where it came from.
    fn leave(self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let failure = Failure::new(ErrorKind::ChallengeExpired);
        match self.tokens {
            Some(tokens) if tokens.good(cx.now) || tokens.refreshable(cx) => {
                out.push(Effect::Tell(Told::Failed(failure)));
                rest_on(tokens, cx, out)
            }
            tokens => ask(failure, tokens, cx, out),
        }
    }
}
