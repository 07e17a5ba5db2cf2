//! The provider asks for a further proof.

use super::Cx;
use super::authenticating::Authenticating;
use super::effect::{Appointment, Effect, Grant, Purpose, Told};
use super::event::Event;
use super::flight::Flight;
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, ask, begin, newer, refuse, rest_on};
use super::view::{ChallengeView, Failure};
use crate::error::ErrorKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Challenged {
    pub(super) challenge: ChallengeView,
    pub(super) tokens: Option<Tokens>,
}

impl Challenged {
    pub(super) fn enter(
        challenge: ChallengeView,
        tokens: Option<Tokens>,
        out: &mut Vec<Effect>,
    ) -> State {
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Moment,
            not_before: challenge.expires_at,
            at_latest: None,
        }));
        out.push(Effect::Tell(Told::Challenge));
        State::Challenged(Self { challenge, tokens })
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Answer if cx.now < self.challenge.expires_at => {
                State::Authenticating(Authenticating {
                    flight: Flight::begin(Grant::Answer, cx, out),
                    tokens: self.tokens,
                    challenge: Some(self.challenge),
                    attempt: 0,
                    refusals: 0,
                })
            }
            Event::Answer => self.leave(cx, out),
            Event::Due if cx.now >= self.challenge.expires_at => self.leave(cx, out),
            Event::Due => Self::enter(self.challenge, self.tokens, out),
            Event::SignIn => begin(Intent::SignIn { explicit: true }, self.tokens, 0, cx, out),
            Event::SignOut => Revoking::enter(self.tokens, cx, out),
            Event::Wanted => {
                out.push(Effect::Tell(Told::Challenge));
                State::Challenged(self)
            }
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::Challenged(self)
            }
            // Another process has answered it, or ended the session.
            Event::Observed(view) if view.ended || newer(&view, self.tokens.as_ref()) => {
                adopt(&view, cx, out)
            }
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                self.challenge.expires_at = self.challenge.expires_at.shifted(by);
                Self::enter(self.challenge, self.tokens, out)
            }
            // An older record; no exchange under way.
            Event::Observed(_) | Event::Flight(..) => State::Challenged(self),
        }
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
