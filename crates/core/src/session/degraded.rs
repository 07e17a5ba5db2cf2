//! A good token whose renewal has failed for now.

use super::Cx;
use super::effect::{Appointment, Effect, Purpose, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, begin, replaces, stall_until};
use super::view::Failure;
use crate::error::ErrorKind;
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Degraded {
    pub(super) tokens: Tokens,
    pub(super) intent: Intent,
    pub(super) attempt: u32,
    pub(super) not_before: Timestamp,
    pub(super) failure: Failure,
}

impl Degraded {
    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Due if cx.now >= self.not_before => {
                // A sign-in that was asked for by name stays one; anything else prefers to refresh.
                let intent = match self.intent {
                    Intent::SignIn { explicit: true } => self.intent,
                    other => self.tokens.renewal(cx).unwrap_or(other),
                };
                begin(intent, Some(self.tokens), self.attempt, cx, out)
            }
            // The queue's clock is a little ahead of the one that this was named on: another back-off is not due.
            Event::Due => {
                out.push(Effect::Schedule(Appointment {
                    purpose: Purpose::Moment,
                    not_before: self.not_before,
                    at_latest: None,
                }));
                State::Degraded(self)
            }
            // The token has ended meanwhile, or is refused: the same wait, with nothing to hand out.
            Event::Wanted if !self.tokens.good(cx.now) => self.without_token(cx, out),
            Event::Rejected(generation) if self.tokens.is(generation) => {
                self.tokens = self.tokens.refuse(out);
                // What callers wait for is the renewal, which has failed for a reason of its own. Only a
                // young token that was itself bought because of a refusal says that the next one is
                // refused too.
                if self.tokens.refused_again(cx.now) {
                    self.failure = Failure::new(ErrorKind::InvalidToken);
                }
                self.without_token(cx, out)
            }
            Event::SignIn => {
                let intent = Intent::SignIn { explicit: true };
                begin(intent, Some(self.tokens), 0, cx, out)
            }
            Event::SignOut => Revoking::enter(Some(self.tokens), cx, out),
            Event::Observed(view) if replaces(&view, Some(&self.tokens)) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.shifted(by);
                self.not_before = self.not_before.shifted(by);
                out.push(Effect::Schedule(Appointment {
                    purpose: Purpose::Retry { attempt: self.attempt },
                    not_before: self.not_before,
                    at_latest: None,
                }));
                State::Degraded(self)
            }
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::Degraded(self),
            // A caller that wants more than the good token hears that the renewal waits.
            Event::Wanted => {
                out.push(Effect::Tell(Told::Stalled(self.failure)));
                State::Degraded(self)
            }
            // Another generation, an older record, no exchange under way.
            Event::Rejected(_) | Event::Observed(_) | Event::Flight(..) => State::Degraded(self),
        }
    }

    fn without_token(self, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        let Self { tokens, intent, attempt, not_before, failure } = self;
        stall_until(intent, Some(tokens), attempt, failure, not_before, cx, out)
    }
}
