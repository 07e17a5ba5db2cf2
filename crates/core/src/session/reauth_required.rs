//! Nothing but a sign-in helps, and it needs the caller or another secret.

use super::Cx;
use super::effect::{Appointment, Effect, Purpose, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{Intent, State, Tokens, adopt, automatic, begin, refuse, replaces};
use super::view::Failure;
use crate::error::ErrorKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct ReauthRequired {
    /// Served to its end, if it is good.
    pub(super) tokens: Option<Tokens>,
    pub(super) failure: Failure,
}

impl ReauthRequired {
    pub(super) fn enter(
        failure: Failure,
        tokens: Option<Tokens>,
        cx: Cx<'_>,
        out: &mut Vec<Effect>,
    ) -> State {
        out.push(Effect::Tell(Told::Failed(failure)));
        let state = Self { tokens, failure };
        state.appoint(cx, out);
        State::ReauthRequired(state)
    }

    pub(super) fn on(mut self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::SignIn => begin(Intent::SignIn { explicit: true }, self.tokens, 0, cx, out),
            // A refresh token that still lives is tried before any password. Whether the source yields
            // another secret than the refused one is seen under the lock.
            Event::Due => match self.way_out(cx) {
                Some(intent) => begin(intent, self.tokens, 0, cx, out),
                None => State::ReauthRequired(self),
            },
            Event::Wanted => match self.way_out(cx).filter(|_| self.may_pass()) {
                Some(intent) => begin(intent, self.tokens, 0, cx, out),
                None => {
                    out.push(Effect::Tell(Told::Failed(self.failure)));
                    State::ReauthRequired(self)
                }
            },
            Event::SignOut => Revoking::enter(self.tokens, cx, out),
            Event::Rejected(generation) => {
                self.tokens = refuse(self.tokens, generation, out);
                State::ReauthRequired(self)
            }
            Event::Observed(view) if replaces(&view, self.tokens.as_ref()) => adopt(&view, cx, out),
            Event::ClockJumped(by) => {
                self.tokens = self.tokens.map(|tokens| tokens.shifted(by));
                State::ReauthRequired(self)
            }
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::ReauthRequired(self),
            // An older record; no exchange under way.
            Event::Observed(_) | Event::Flight(..) => State::ReauthRequired(self),
        }
    }

    /// A store that could not be written may have been mended: whoever asks finds out. Nothing is sent
    /// before it can be written.
    pub(super) fn may_pass(&self) -> bool {
        self.failure.kind == ErrorKind::Store
    }

    fn way_out(&self, cx: Cx<'_>) -> Option<Intent> {
        match self.tokens {
            Some(tokens) => tokens.renewal(cx),
            None => automatic(cx.rules),
        }
    }

    fn appoint(&self, cx: Cx<'_>, out: &mut Vec<Effect>) {
        // Another challenge would only send another code to somebody who did not ask for one.
        let asks_a_person =
            matches!(self.failure.kind, ErrorKind::ChallengeExpired | ErrorKind::Unsupported);
        let refreshable = self.tokens.is_some_and(|tokens| tokens.refreshable(cx));
        if (asks_a_person && !refreshable) || self.way_out(cx).is_none() {
            out.push(Effect::Unschedule);
            return;
        }
        out.push(Effect::Schedule(Appointment {
            purpose: Purpose::Probe,
            not_before: self.failure.not_before().unwrap_or(cx.now).max(cx.now),
            at_latest: None,
        }));
    }
}
