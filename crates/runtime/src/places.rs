//! How many exchanges the clock begins for one origin and client at once: as many as its budget lets fly.
//! Who is due beyond that is parked, and comes when one of them has landed.
//!
//! Without it they would all ask for leave, be put off, and ask again by and by, while places stand empty;
//! and one tenant whose server hangs would hold the places of all others.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, PoisonError, Weak};

use countersign_core::Monotonic;
use countersign_scheduler::Lane;

use crate::cell::Cell;
use crate::shared::Shared;
use crate::sync::{Mutex, MutexGuard};

/// The places of all lanes.
#[derive(Default)]
pub(crate) struct Places(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    lanes: HashMap<Lane, Taken>,
    /// Lanes in which somebody is parked and a place is free.
    open: Vec<Lane>,
    n_parked: usize,
}

#[derive(Default)]
struct Taken {
    places: usize,
    parked: VecDeque<(u32, Monotonic)>,
    /// Who is parked: whoever falls due again meanwhile waits once.
    waiting: HashSet<u32>,
    is_open: bool,
}

impl Taken {
    /// Whether it was not parked before.
    fn park(&mut self, slot: u32, due: Monotonic) -> bool {
        let first = self.waiting.insert(slot);
        if first {
            self.parked.push_back((slot, due));
        }
        first
    }

    fn next(&mut self) -> Option<(u32, Monotonic)> {
        let next = self.parked.pop_front()?;
        self.waiting.remove(&next.0);
        Some(next)
    }
}

/// A place; free again when this goes.
pub(crate) struct Place {
    keeper: Weak<Shared>,
    lane: Lane,
}

impl Places {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sessions wait for a place.
    pub(crate) fn n_parked(&self) -> usize {
        self.inner().n_parked
    }

    /// Whether somebody is parked who could have a place at once.
    pub(crate) fn is_open(&self) -> bool {
        !self.inner().open.is_empty()
    }

    /// Sessions that were parked and whose place is free now, at most `most`, each with the instant at
    /// which it was due and its place.
    pub(crate) fn unparked(
        &self,
        shared: &Arc<Shared>,
        most: usize,
    ) -> Vec<(u32, Monotonic, Place)> {
        let mut found = Vec::new();
        let mut inner = self.inner();
        while found.len() < most
            && let Some(lane) = inner.open.pop()
        {
            let limit = shared.admission().concurrency(&lane);
            let Some(taken) = inner.lanes.get_mut(&lane) else { continue };
            taken.is_open = false;
            let mut left = 0;
            while found.len() < most
                && taken.places < limit
                && let Some((slot, due)) = taken.next()
            {
                taken.places += 1;
                left += 1;
                let keeper = Arc::downgrade(shared);
                found.push((slot, due, Place { keeper, lane: lane.clone() }));
            }
            let more = taken.places < limit && !taken.parked.is_empty();
            taken.is_open = more;
            inner.n_parked -= left;
            if more {
                inner.open.push(lane);
            }
        }
        found
    }

    /// Who is parked and comes next where `place` is, if it may be taken over.
    pub(crate) fn next(&self, shared: &Shared, place: &Place) -> Option<(u32, Monotonic)> {
        let limit = shared.admission().concurrency(&place.lane);
        let mut inner = self.inner();
        let taken = inner.lanes.get_mut(&place.lane).filter(|taken| taken.places <= limit)?;
        let next = taken.next()?;
        inner.n_parked -= 1;
        Some(next)
    }

    /// A place for `cell`, which is due since `due`; `None` if it was parked.
    pub(crate) fn take(&self, cell: &Cell, due: Monotonic) -> Option<Place> {
        let limit = cell.shared.admission().concurrency(&cell.lane);
        let mut inner = self.inner();
        let taken = inner.lanes.entry(cell.lane.clone()).or_default();
        if taken.places >= limit {
            let parked = taken.park(cell.slot(), due);
            inner.n_parked += usize::from(parked);
            return None;
        }
        taken.places += 1;
        Some(Place { keeper: Arc::downgrade(&cell.shared), lane: cell.lane.clone() })
    }
}

impl Place {
    pub(crate) fn keeper(&self) -> Option<Arc<Shared>> {
        self.keeper.upgrade()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(shared) = self.keeper.upgrade() else { return };
        let mut inner = shared.places.inner();
        let Some(taken) = inner.lanes.get_mut(&self.lane) else { return };
        taken.places -= 1;
        let opens = !taken.parked.is_empty() && !taken.is_open;
        if opens {
            taken.is_open = true;
            inner.open.push(self.lane.clone());
        } else if taken.places == 0 && taken.parked.is_empty() {
            inner.lanes.remove(&self.lane);
        }
        drop(inner);
        if opens {
            shared.wake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_scheduler::LaneLimits;

    use super::*;
    use crate::ticker::hand_on;

    /// Takes every place of the session's lane, and has it parked once.
    fn all_taken(session: &crate::Session) -> Vec<Place> {
        let (cell, places) = (&session.0, &session.0.shared.places);
        let due = cell.shared.clock.monotonic();
        let taken = std::iter::from_fn(|| places.take(cell, due)).collect();
        assert_eq!(places.n_parked(), 1);
        taken
    }

    #[test]
    fn who_is_parked_takes_a_place_over_without_the_standing_task() {
        let session = crate::Session::fixed("canary-token").unwrap();
        let places = &session.0.shared.places;
        // There is no runtime here, so nobody but the one whose place it was can see to it.
        drop(hand_on(all_taken(&session).pop().unwrap()));
        assert_eq!((places.n_parked(), places.is_open()), (0, false));
    }

    #[test]
    fn who_falls_due_again_while_it_is_parked_waits_once() {
        let session = crate::Session::fixed("canary-token").unwrap();
        let (cell, places) = (&session.0, &session.0.shared.places);
        let mut taken = all_taken(&session);
        assert!(places.take(cell, cell.shared.clock.monotonic()).is_none());
        assert_eq!(places.n_parked(), 1);
        drop(hand_on(taken.pop().unwrap()));
        assert_eq!((places.n_parked(), places.is_open()), (0, false));
        let again = places.take(cell, cell.shared.clock.monotonic());
        assert!(again.is_some() && places.take(cell, cell.shared.clock.monotonic()).is_none());
        assert_eq!(places.n_parked(), 1, "and again when it falls due after that");
    }

    #[test]
    fn after_the_end_nobody_takes_over() {
        let session = crate::Session::fixed("canary-token").unwrap();
        let places = &session.0.shared.places;
        let mut taken = all_taken(&session);
        session.0.shared.close();
        drop(hand_on(taken.pop().unwrap()));
        assert_eq!((places.n_parked(), places.is_open()), (1, true));
    }

    /// The limits are those of the session whose place it is, and it may have been opened with narrower ones than
    /// those before it of the same origin and client.
    #[test]
    fn nobody_takes_a_place_over_beyond_a_budget_that_has_shrunk_meanwhile() {
        let session = crate::Session::fixed("canary-token").unwrap();
        let shared = &session.0.shared;
        let (places, mut taken) = (&shared.places, all_taken(&session));
        let mut beyond = taken.pop().unwrap();
        let narrow = LaneLimits { concurrency: 1, ..LaneLimits::default() };
        beyond.lane = beyond.lane.clone().limited(narrow);
        drop(hand_on(beyond));
        assert_eq!(places.n_parked(), 1);
        assert!(places.unparked(shared, 1).is_empty());
        // It is as many as the budget allows once all the others have landed.
        drop(taken);
        assert_eq!((places.unparked(shared, 1).len(), places.n_parked()), (1, 0));
    }
}
