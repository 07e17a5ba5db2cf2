//! Whether the API refused the token or the one-time code beside it: found out once for all requests
//! of a session (feature `reqwest`).

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use countersign_core::{Generation, Timestamp};

use crate::sync::{AtomicBool, Mutex, MutexGuard};

/// What is doubted of the token that is handed out. Codes are named by the end of their time step.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// Something is doubted: then it is worth hearing of an answer that was not refused.
    any: AtomicBool,
    doubt: Mutex<Option<Doubt>>,
}

#[derive(Debug)]
struct Doubt {
    generation: Generation,
    /// The newest code that was refused beside this token.
    refused: Timestamp,
    /// The newest code that was not.
    accepted: Option<Timestamp>,
    /// A request is on its way to find out.
    probing: bool,
}

/// What one look at the doubt has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// A later code was taken: it was the code.
    Cleared,
    /// Who looked finds out for all.
    Mine,
    /// Somebody else does.
    Waits,
}

impl Doubts {
    /// `code` was refused beside the token of `generation`. `mine`: who looks is the one that finds out.
    pub(crate) fn look(&self, generation: Generation, code: Timestamp, mine: bool) -> Look {
        let mut doubt = self.doubt();
        self.any.store(true, Ordering::Release);
        let doubt = Doubt::of(&mut doubt, generation, code);
        doubt.refused = doubt.refused.max(code);
        if doubt.accepted.is_some_and(|accepted| accepted > code) {
            Look::Cleared
        } else if mine || !doubt.probing {
            doubt.probing = true;
            Look::Mine
        } else {
            Look::Waits
        }
    }

    /// Who was finding out has nothing more to say.
    pub(crate) fn over(&self, generation: Generation) {
        if let Some(doubt) = self.doubt().as_mut().filter(|doubt| doubt.generation == generation) {
            doubt.probing = false;
        }
    }

    /// `code` was taken beside the token of `generation`; whether somebody waits to hear that. One load
    /// where nothing is doubted.
    pub(crate) fn accepted(&self, generation: Generation, code: Timestamp) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        let mut doubt = self.doubt();
        let Some(doubt) = doubt.as_mut().filter(|doubt| doubt.generation == generation) else {
            return false;
        };
        doubt.accepted = doubt.accepted.max(Some(code));
        let cleared = code > doubt.refused;
        if cleared {
            self.any.store(false, Ordering::Release);
        }
        cleared
    }

    /// `code` was refused beside the token of `generation`, in a request that is not sent again; whether
    /// that makes it the token: a code of an earlier step was refused before, and none was taken since.
    pub(crate) fn suspect(&self, generation: Generation, code: Timestamp) -> bool {
        let mut doubt = self.doubt();
        self.any.store(true, Ordering::Release);
        let doubt = Doubt::of(&mut doubt, generation, code);
        let earlier = doubt.refused < code
            && doubt.accepted.is_none_or(|accepted| accepted <= doubt.refused)
            && !doubt.probing;
        doubt.refused = doubt.refused.max(code);
        earlier
    }

    fn doubt(&self) -> MutexGuard<'_, Option<Doubt>> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doubt {
    /// The doubt about `generation`, which begins with the refusal of `code` if there is none yet.
    fn of(doubt: &mut Option<Self>, generation: Generation, code: Timestamp) -> &mut Self {
        let fresh = || Self { generation, refused: code, accepted: None, probing: false };
        let found = doubt.get_or_insert_with(fresh);
        if found.generation != generation {
            *found = fresh();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Generation = Generation { counter: 1, tag: 0 };

    fn step(n: i64) -> Timestamp {
        Timestamp::from_seconds(30 * n)
    }

    #[test]
    fn p08_one_finds_out_the_others_wait_and_if_it_goes_the_next_one_does() {
        let doubts = Doubts::default();
        assert_eq!(doubts.look(TOKEN, step(1), false), Look::Mine);
        assert_eq!(doubts.look(TOKEN, step(1), false), Look::Waits);
        assert_eq!(doubts.look(TOKEN, step(1), true), Look::Mine);
        doubts.over(TOKEN);
        assert_eq!(doubts.look(TOKEN, step(1), false), Look::Mine);
        assert!(!doubts.accepted(TOKEN, step(1)), "the refused code says nothing");
        assert!(doubts.accepted(TOKEN, step(2)));
        assert_eq!(doubts.look(TOKEN, step(1), false), Look::Cleared);
        // Another refusal, later, is another doubt.
        doubts.over(TOKEN);
        assert_eq!(doubts.look(TOKEN, step(2), false), Look::Mine);
        let next = Generation { counter: 2, tag: 0 };
        assert_eq!(doubts.look(next, step(2), false), Look::Mine);
    }

    #[test]
    fn p08_a_request_that_is_not_sent_again_is_believed_only_after_another_one() {
        let doubts = Doubts::default();
        assert!(!doubts.suspect(TOKEN, step(1)));
        assert!(!doubts.suspect(TOKEN, step(1)), "the same code proves nothing");
        assert!(doubts.suspect(TOKEN, step(2)));
        let doubts = Doubts::default();
        assert!(!doubts.suspect(TOKEN, step(1)));
        assert!(doubts.accepted(TOKEN, step(2)));
        assert!(!doubts.suspect(TOKEN, step(3)), "in between it was taken");
    }
}
