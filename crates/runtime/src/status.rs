//! What a session can tell about itself.

use std::collections::VecDeque;

use countersign_core::session::{Purpose, Status};
use countersign_core::{Error, ErrorKind, Generation, Timestamp};

/// How many transitions are remembered.
const REMEMBERED: usize = 16;

/// The state of a session at one moment, with the reasons for it. Holds no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionStatus {
    /// The state.
    pub state: Status,
    /// The generation that is held, whether good or not.
    pub generation: Option<Generation>,
    /// When the held token was bought.
    pub issued_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When its refresh token ends, if there is one and that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// Whether it is handed out: held, not refused, not over.
    pub good: bool,
    /// Whether the store has it.
    pub saved: bool,
    /// What happens next by itself, and when.
    pub next: Option<(Purpose, Timestamp)>,
    /// The last failure since the last success.
    pub last_error: Option<Error>,
    /// The last transitions, oldest first.
    pub transitions: Vec<Transition>,
}

/// One step of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// From this state.
    pub from: Status,
    /// To this one.
    pub to: Status,
    /// What brought it about: an event of the machine (`wanted`, `due`, `answered`, …).
    pub cause: &'static str,
    /// The failure, if it was one.
    pub failure: Option<ErrorKind>,
}

/// The last transitions of a session.
#[derive(Debug, Default)]
pub(crate) struct Ring(VecDeque<Transition>);

impl Ring {
    pub(crate) fn push(&mut self, transition: Transition) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(transition);
    }

    pub(crate) fn to_vec(&self) -> Vec<Transition> {
        self.0.iter().copied().collect()
    }
}
