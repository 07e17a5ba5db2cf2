//! A refresh token that is spent on use was sent, and its outcome is not known.
//!
//! The access token is served on. What becomes of the refresh token is decided under the lock, by the
//! refresh that the appointment begins: a newer generation in the store is adopted; inside the
//! provider's grace the same token is sent again; after it the token is never sent again, and a
//! sign-in has to help.

use super::Cx;
use super::effect::{Appointment, Effect, Purpose, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::rules::Rules;
use super::state::{Intent, State, Tokens, adopt, begin, replaces};
use super::view::{Failure, JournalView};
use crate::error::ErrorKind;
use crate::time::Timestamp;

/// How often one refresh token is sent at most, all processes together.
const MOST_SENDINGS: u32 = 3;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ambiguous {
    pub(super) tokens: Tokens,
    pub(super) journal: JournalView,
    pub(super) attempt: u32,
}

impl Ambiguous {
    pub(super) fn enter(
        tokens: Tokens,
        journal: JournalView,
        attempt: u32,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let state = Self { tokens, journal, attempt };
        state.appoint(cx, out);
        out.push(Effect::Tell(Told::Stalled(Failure::new(ErrorKind::Ambiguous))));
        State::Ambiguous(state)
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Due => {
                let Self { tokens, attempt, .. } = self;
                begin(Intent::Refresh, Some(tokens), attempt, cx, out)
            }
            // The appointment is close; it answers whoever waits.
            Event::Wanted => State::Ambiguous(self),
            Event::SignIn => {
                let intent = Intent::SignIn { explicit: true };
                begin(intent, Some(self.tokens), 0, cx, out)
            }
            Event::SignOut => Revoking::enter(Some(self.tokens), cx, out),
            Event::Rejected(generation) if self.tokens.is(generation) => {
                self.tokens = self.tokens.refuse(out);
                State::Ambiguous(self)
            }
            Event::Observed(view) if replaces(&view, Some(&self.tokens)) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.shifted(by);
                self.journal.sent_at = self.journal.sent_at.shifted(by);
                self.appoint(cx, out);
                State::Ambiguous(self)
            }
            // Another generation, an older record, no challenge, no exchange under way.
            Event::Rejected(_) | Event::Observed(_) | Event::Answer | Event::Flight(..) => {
                State::Ambiguous(self)
            }
        }
    }

    fn appoint(&self, cx: Cx<'_>, out: &mut Vec<Effect>) {
        let last = last_replay(self.journal, self.tokens.kept, cx.rules);
        let appointment = match last.filter(|last| *last > cx.now && self.attempt > 0) {
            Some(last) => Appointment {
                purpose: Purpose::Retry { attempt: self.attempt },
                not_before: cx.now,
                at_latest: Some(last),
            },
            None => Appointment { purpose: Purpose::Moment, not_before: cx.now, at_latest: None },
        };
        out.push(Effect::Schedule(appointment));
    }
}

/// Until when the token of `journal` may be sent again; `None` if it may not.
pub(super) fn last_replay(journal: JournalView, kept: bool, rules: &Rules) -> Option<Timestamp> {
    let last = rules.last_replay(journal.sent_at, kept)?;
    (journal.attempt < MOST_SENDINGS).then_some(last)
}
