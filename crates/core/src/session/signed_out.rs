//! There is no session.

use super::Cx;
use super::effect::{Effect, Told};
use super::event::Event;
use super::revoking::Revoking;
use super::state::{Intent, State, adopt, automatic, begin};
use super::view::Failure;
use crate::error::ErrorKind;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct SignedOut {
    /// Ended on purpose: only an explicit sign-in begins another.
    pub(super) ended: bool,
    /// The store has heard of the end. As long as it has not, nothing of what it shows is believed.
    pub(super) heard: bool,
    /// The highest generation that was ended here: up to this the store is not believed either way.
    pub(super) ended_at: u64,
}

impl SignedOut {
    /// There is none yet.
    pub(super) const fn new() -> Self {
        Self { ended: false, heard: false, ended_at: 0 }
    }

    /// A sibling has ended the session.
    pub(super) fn enter_ended(out: &mut Vec<Effect>) -> State {
        out.push(Effect::Unpublish);
        out.push(Effect::Forget);
        out.push(Effect::Unschedule);
        out.push(Effect::Tell(Told::Failed(Failure::new(ErrorKind::SignedOut))));
        State::SignedOut(Self { ended: true, heard: true, ended_at: 0 })
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
                State::SignedOut(Self { ended: true, heard: true, ended_at: self.ended_at })
            }
            Event::Observed(view) => {
                let newest = view.tokens.map_or(0, |held| held.generation.counter);
                if self.ended && (!self.heard || newest <= self.ended_at) {
                    return State::SignedOut(self);
                }
                adopt(&view, cx, out)
            }
            // The store may hold what this machine has not read, or not have heard of the end.
            Event::SignOut => Revoking::enter(None, cx, out),
            // No challenge waits here; the driver has told the caller.
            Event::Answer => State::SignedOut(self),
            // Nothing is held that could be refused, be due or move in time, and nothing is under way.
            Event::Rejected(_) | Event::Due | Event::ClockJumped(_) | Event::Flight(..) => {
                State::SignedOut(self)
            }
        }
    }
}
