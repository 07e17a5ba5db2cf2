//! The account takes no sign-in for a while.

use super::Cx;
use super::effect::{Appointment, Effect, Purpose, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{State, Tokens, adopt, ask, automatic, begin, refuse, replaces, rest_on};
use super::view::Failure;
use crate::error::{ErrorKind, Recovery};
use crate::time::Timestamp;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct LockedOut {
    pub(super) until: Timestamp,
    pub(super) tokens: Option<Tokens>,
}

impl LockedOut {
    /// A session that can live on by refreshing does so: the lock stands in the account's record, where
    /// every sign-in meets it.
    pub(super) fn enter(
        until: Timestamp,
        tokens: Option<Tokens>,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        let state = Self { until, tokens };
        out.push(Effect::Tell(Told::Failed(state.failure())));
        match tokens {
            Some(tokens) if tokens.refreshable(cx) => rest_on(tokens, cx, out),
            _ => {
                state.appoint(out);
                State::LockedOut(state)
            }
        }
    }

    pub(super) fn failure(&self) -> Failure {
        Failure {
            recovery: Recovery::WaitUntil(self.until),
            ..Failure::new(ErrorKind::AccountLocked)
        }
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::Due if cx.now >= self.until => match automatic(cx.rules) {
                Some(intent) => begin(intent, self.tokens, 0, cx, out),
                None => ask(Failure::new(ErrorKind::NeedsSignIn), self.tokens, cx, out),
            },
            Event::Due => {
                self.appoint(out);
                State::LockedOut(self)
            }
            // The lock holds every sign-in to its end, also one that is asked for by name.
            Event::SignIn | Event::Wanted | Event::Answer => {
                out.push(Effect::Tell(Told::Failed(self.failure())));
                State::LockedOut(self)
            }
            Event::SignOut => Revoking::enter(self.tokens, cx, out),
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::LockedOut(self)
            }
            Event::Observed(view) if replaces(&view, self.tokens.as_ref()) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                self.until = self.until.shifted(by);
                self.appoint(out);
                State::LockedOut(self)
            }
            // An older record; no exchange under way.
            Event::Observed(_) | Event::Flight(..) => State::LockedOut(self),
        }
    }

    fn appoint(&self, out: &mut Vec<Effect>) {
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Moment,
            not_before: self.until,
            at_latest: None,
        }));
    }
}
