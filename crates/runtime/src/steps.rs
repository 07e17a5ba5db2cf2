//! What the two clocks have done at a stroke: the machine slept, the wall clock was set. Every session hears of each such
//! step once, and before it is told anything else: it may date by the clock as it is from then on.
//!
//! A million are not told in one go. Whoever is asked for something hears of it at once; a walk tells the others, a portion
//! at a time.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::session::Event;
use countersign_scheduler::{Beat, Heartbeat, Now};

use crate::cell::Cell;
use crate::post::Cargo;
use crate::shared::Shared;
use crate::site::Site;
use crate::sync::{Mutex, MutexGuard, Tally};
use crate::ticker;
use crate::walk::Walk;

/// Two looks are of one moment if no more lies between them: less than what makes a jump.
const TOGETHER: Duration = Duration::from_secs(1);

/// The steps of a keeper's clocks.
#[derive(Default)]
pub(crate) struct Steps {
    /// How many there were.
    n: Tally,
    heart: Mutex<Option<Heartbeat>>,
    unheard: Mutex<Unheard>,
}

/// The steps that somebody may not have heard of.
#[derive(Default)]
struct Unheard {
    /// The last ones, the oldest first.
    last: VecDeque<Step>,
    /// The walk that tells of them, and how many there were when it began.
    walk: Option<(Walk, u32)>,
    /// As many there were when the walk before the last one began. Not the last one: of those it met at its end, some may be told at this
    /// moment.
    known_to_all: u32,
    walked: u32,
}

#[derive(Clone, Copy)]
enum Step {
    Slept,
    /// The wall clock was set, by so many milliseconds.
    Set(i64),
}

/// What a session has not heard of.
struct News {
    /// How many steps there were up to the last of these.
    until: u32,
    slept: bool,
    /// What the wall clock was set by, all in all.
    set_by: i64,
}

/// Looks at both clocks, and sees to it that everything is evaluated anew if they have parted.
pub(crate) fn beat(shared: &Arc<Shared>) {
    let learn: fn(&Site) = match shared.steps.look(shared) {
        Beat::Steady => return,
        Beat::Jumped { .. } => Site::forget,
        // It may have been the wall clock that was set forward.
        Beat::Suspended { .. } => Site::doubt,
    };
    shared.sites().iter().for_each(|site| learn(site));
    shared.wake.notify_one();
    ticker::ensure(shared);
}

/// Tells some of those who have not heard of a step; whether there may be more of them.
pub(crate) fn tell_some(shared: &Arc<Shared>) -> bool {
    let (some, more) = shared.steps.portion(shared);
    for cell in some {
        cell.catch_up();
    }
    more
}

impl Steps {
    /// How many there were.
    pub(crate) fn n(&self) -> u32 {
        self.n.load(Ordering::Acquire)
    }

    /// Whether the walk is to be gone on with.
    pub(crate) fn are_unheard(&self) -> bool {
        self.n() > 0 && self.unheard().walk.is_some()
    }

    /// Looks at both clocks; the first look only remembers them. Whoever looks after this and finds nothing new finds
    /// this step counted.
    fn look(&self, shared: &Shared) -> Beat {
        let Some(now) = both_clocks(shared) else { return Beat::Steady };
        let mut heart = self.heart.lock().unwrap_or_else(PoisonError::into_inner);
        let beat = heart.get_or_insert_with(|| Heartbeat::new(now)).observe(now);
        match beat {
            Beat::Steady => {}
            Beat::Jumped { by_millis } => self.note(Step::Set(by_millis)),
            Beat::Suspended { .. } => self.note(Step::Slept),
        }
        beat
    }

    fn note(&self, step: Step) {
        let mut unheard = self.unheard();
        unheard.last.push_back(step);
        let n = self.n().wrapping_add(1);
        self.n.store(n, Ordering::Release);
        // One that is under way has met some already, and is followed by another one.
        unheard.walk.get_or_insert_with(|| (Walk::default(), n));
    }

    /// How many steps are kept for those who have not heard of them.
    #[cfg(test)]
    pub(crate) fn n_kept(&self) -> usize {
        self.unheard().last.len()
    }

    pub(crate) fn portion(&self, shared: &Shared) -> (Vec<Arc<Cell>>, bool) {
        let mut unheard = self.unheard();
        let Some((walk, began)) = &mut unheard.walk else { return (Vec::new(), false) };
        let some = walk.portion(shared);
        if walk.is_over() {
            let (began, n) = (*began, self.n());
            unheard.walk = (began != n).then(|| (Walk::default(), n));
            unheard.known_to_all = std::mem::replace(&mut unheard.walked, began);
            let kept = n.wrapping_sub(unheard.known_to_all) as usize;
            let known = unheard.last.len().saturating_sub(kept);
            unheard.last.drain(..known);
        }
        (some, unheard.walk.is_some())
    }

    /// What came after the first `heard` ones.
    fn since(&self, heard: u32) -> News {
        let unheard = self.unheard();
        let until = self.n();
        let missed = unheard.last.iter().rev().take(until.wrapping_sub(heard) as usize);
        missed.fold(News { until, slept: false, set_by: 0 }, |news, step| match step {
            Step::Slept => News { slept: true, ..news },
            Step::Set(by) => News { set_by: news.set_by.saturating_add(*by), ..news },
        })
    }

    fn unheard(&self) -> MutexGuard<'_, Unheard> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both clocks at one moment. Whoever was stopped between the two has seen a jump where there was none, and looks
/// again; `None` if that happens each time.
fn both_clocks(shared: &Shared) -> Option<Now> {
    (0..3).find_map(|_| {
        let before = shared.clock.monotonic_coarse();
        let now = shared.lately();
        (now.mono.since(before) < TOGETHER).then_some(now)
    })
}

impl Cell {
    /// Hears of the steps that it has not heard of; whether there were any.
    pub(crate) fn catch_up(self: &Arc<Self>) -> bool {
        if self.shared.steps.n() == 0 {
            return false;
        }
        let before = self.steps_heard();
        let mut heard = before;
        loop {
            if heard == self.shared.steps.n() {
                return heard != before;
            }
            let News { until, slept, set_by } = self.shared.steps.since(heard);
            // Looked at under the mutex of the session, so that nobody hears of a step twice.
            let is_first = || {
                let is_first = self.steps_heard() == heard;
                if is_first {
                    self.note_steps(until);
                }
                is_first
            };
            let set = Event::ClockJumped(set_by);
            if set_by == 0 {
                self.reappoint(is_first);
            } else if let Some(after) = self.handle_first(set, Cargo::default(), |_| is_first()) {
                self.finish(after);
                if slept {
                    self.reappoint(|| true);
                }
            }
            heard = self.steps_heard();
        }
    }
}
