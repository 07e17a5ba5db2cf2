//! The look at all sessions for those that may rest, a portion at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::PoisonError;

use countersign_core::{Monotonic, Timestamp};

use crate::rest::Eviction;
use crate::shared::Shared;
use crate::sync::{Mutex, MutexGuard};
use crate::walk::{PORTION, Walk};

/// When it was looked last, and how far it has come now.
#[derive(Default)]
pub(crate) struct Sweeps(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    began_at: Option<Monotonic>,
    /// Not while somebody goes on with it.
    under_way: Option<Sweep>,
}

/// One look at all of them.
struct Sweep {
    walk: Walk,
    /// So many steps of the clocks there were when it began: instants of before and after one do not compare.
    steps: u32,
    /// When each that is loaded was used last, where too many may be: the least recently used first.
    loaded: Option<BinaryHeap<Reverse<(Timestamp, u32)>>>,
    /// So many of them are too many, once all were looked at.
    surplus: usize,
}

impl Shared {
    /// Puts to rest whoever may be of the next few sessions. All are looked at in turn, which begins at most once in
    /// a quarter of the time after which somebody may rest. Whether there are more to look at.
    pub(crate) fn evict(&self) -> bool {
        let Some(policy) = self.policy.eviction else { return false };
        let Some(mut sweep) = self.sweeps.next(self, policy) else { return false };
        let more = sweep.go_on(self, policy);
        if more {
            self.sweeps.inner().under_way = Some(sweep);
        }
        more
    }
}

impl Sweeps {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to go on with: the one that is under way, or a new one if it is time.
    fn next(&self, shared: &Shared, policy: Eviction) -> Option<Sweep> {
        let now = shared.clock.monotonic();
        let mut inner = self.inner();
        let under_way = inner.under_way.take();
        let is_due = inner.began_at.is_none_or(|began| now.since(began) >= policy.after / 4);
        if under_way.is_some() || !is_due {
            return under_way;
        }
        inner.began_at = Some(now);
        drop(inner);
        Some(Sweep::new(shared, policy))
    }
}

impl Sweep {
    fn new(shared: &Shared, policy: Eviction) -> Self {
        let may_be_too_many = shared.n_sessions() > policy.at_most;
        Self {
            walk: Walk::default(),
            steps: shared.steps.n(),
            loaded: may_be_too_many.then(BinaryHeap::new),
            surplus: 0,
        }
    }

    fn go_on(&mut self, shared: &Shared, policy: Eviction) -> bool {
        if self.steps != shared.steps.n() {
            *self = Self::new(shared, policy);
        }
        if self.walk.is_over() {
            self.lessen(shared);
        } else {
            self.look(shared, policy);
        }
        !self.walk.is_over() || self.surplus > 0
    }

    fn look(&mut self, shared: &Shared, policy: Eviction) {
        for cell in self.walk.portion(shared) {
            // It may be dated by the clock as it was.
            cell.catch_up();
            let now = shared.clock.now();
            let Some(used_at) = cell.last_use(now) else { continue };
            if now.since(used_at) >= policy.after && cell.put_to_rest() {
                continue;
            }
            if let Some(loaded) = &mut self.loaded {
                loaded.push(Reverse((used_at, cell.slot())));
            }
        }
        if let Some(loaded) = self.loaded.as_ref().filter(|_| self.walk.is_over()) {
            self.surplus = loaded.len().saturating_sub(policy.at_most);
        }
    }

    /// Puts some of the least recently used to rest. Who cannot rest, or was used after all, does not count: the next one
    /// does in its place.
    fn lessen(&mut self, shared: &Shared) {
        for _ in 0..PORTION {
            let next = self.loaded.as_mut().and_then(BinaryHeap::pop).filter(|_| self.surplus > 0);
            let Some(Reverse((used_at, slot))) = next else {
                self.surplus = 0;
                return;
            };
            let rests = shared.at(slot).is_none_or(|cell| {
                // The number may be somebody else's by now.
                cell.last_use(shared.clock.now()) == Some(used_at) && cell.put_to_rest()
            });
            self.surplus -= usize::from(rests);
        }
    }
}
