//! No good token, and the next try waits.

use super::Cx;
use super::effect::{Appointment, Effect, Purpose, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, begin, refuse, replaces};
use super::view::Failure;
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct BackingOff {
    /// Tokens that are over, kept for their refresh token.
    pub(super) tokens: Option<Tokens>,
    pub(super) intent: Intent,
    pub(super) attempt: u32,
    pub(super) not_before: Timestamp,
    pub(super) failure: Failure,
}

impl BackingOff {
    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Due if cx.now >= self.not_before => {
                // What was to be refreshed may have ended meanwhile.
                let intent = match (self.intent, self.tokens) {
                    (Intent::Refresh, Some(tokens)) => tokens.renewal(cx).unwrap_or(self.intent),
                    (intent, _) => intent,
                };
                begin(intent, self.tokens, self.attempt, cx, out)
            }
            // The queue's clock is a little ahead of the one that this was named on: another back-off is not due.
            Event::Due => {
                out.push(Effect::Schedule(Appointment {
                    purpose: Purpose::Moment,
                    not_before: self.not_before,
                    at_latest: None,
                }));
                State::BackingOff(self)
            }
            Event::Wanted => {
                out.push(Effect::Tell(Told::Stalled(self.failure)));
                State::BackingOff(self)
            }
            Event::SignIn => begin(Intent::SignIn { explicit: true }, self.tokens, 0, cx, out),
            Event::SignOut => Revoking::enter(self.tokens, cx, out),
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::BackingOff(self)
            }
            Event::Observed(view) if replaces(&view, self.tokens.as_ref()) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                self.not_before = self.not_before.shifted(by);
                self.appoint(out);
                State::BackingOff(self)
            }
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::BackingOff(self),
            // An older record; no exchange under way.
            Event::Observed(_) | Event::Flight(..) => State::BackingOff(self),
        }
    }

    fn appoint(&self, out: &mut Vec<Effect>) {
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Retry { attempt: self.attempt },
            not_before: self.not_before,
            at_latest: None,
        }));
    }
}
