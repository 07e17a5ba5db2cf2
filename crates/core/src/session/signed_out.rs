//! There is no session.

use super::Cx;
use super::effect::{Effect, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{Intent, State, adopt, automatic, begin};
use super::view::{Failure, RecordView};
use crate::error::ErrorKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct SignedOut {
    /// Ended on purpose: only an explicit sign-in begins another.
    pub(super) ended: bool,
    /// The store has heard of the end. As long as it has not, nothing of what it shows is believed.
    pub(super) heard: bool,
    /// The highest generation that has ended: up to this the store is not believed either way, since a reading may
    /// have begun before the end.
    pub(super) ended_at: u64,
}

impl SignedOut {
    /// There is none yet.
    pub(super) const fn new() -> Self {
        Self { ended: false, heard: false, ended_at: 0 }
    }

    /// A sibling has ended the session.
    pub(super) fn enter_ended(view: &RecordView, out: &mut Vec<Effect>) -> State {
        out.push(Effect::Unpublish);
        out.push(Effect::Forget);
        out.push(Effect::Unschedule);
        out.push(Effect::Tell(Told::Failed(Failure::new(ErrorKind::SignedOut))));
        State::SignedOut(Self { ended: true, heard: true, ended_at: view.counter })
    }

    pub(super) fn on(self, event: Event, cx: Cx<'_>, out: &mut Vec<Effect>) -> State {
        match event {
            Event::SignIn => begin(Intent::SignIn { explicit: true }, None, 0, cx, out),
            Event::Wanted => match automatic(cx.rules).filter(|_| !self.ended) {
                Some(intent) => begin(intent, None, 0, cx, out),
                None => {
                    let kind =
                        if self.ended { ErrorKind::SignedOut } else { ErrorKind::NeedsSignIn };
                    out.push(Effect::Tell(Told::Failed(Failure::new(kind))));
                    State::SignedOut(self)
                }
            },
            Event::Observed(view) if view.ended => {
                let ended_at = self.ended_at.max(view.counter);
                State::SignedOut(Self { ended: true, heard: true, ended_at })
            }
            // Somebody has forgotten the session and its end: the next one counts from the beginning.
            Event::Observed(view) if self.heard && view.tokens.is_none() && view.counter == 0 => {
                State::SignedOut(Self { ended_at: 0, ..self })
            }
            Event::Observed(view) => {
                let newest = view.tokens.map_or(0, |held| held.generation.counter);
                if self.ended && (!self.heard || newest <= self.ended_at) {
                    return State::SignedOut(self);
                }
                adopt(&view, cx, out)
            }
            Event::SignOut => Revoking::again(self.ended_at, cx, out),
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::SignedOut(self),
            // Nothing is held that could be refused, be due or move in time, and nothing is under way.
            Event::Rejected(_) | Event::Due | Event::ClockJumped(_) | Event::Flight(..) => {
                State::SignedOut(self)
            }
        }
    }
}
