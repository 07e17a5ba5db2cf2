//! Sessions that take little room: opened without reading the store, and put to rest when nobody has
//! used them for long.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::{Machine, Status};
use countersign_core::{Error, Monotonic, Timestamp};

use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::session::Session;
use crate::shared::Shared;
use crate::status::Ring;

/// Which sessions are put to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Eviction {
    /// Those that nobody has used for so long.
    pub(crate) after: Duration,
    /// And the least recently used beyond so many.
    pub(crate) at_most: usize,
}

impl Keeper {
    /// How many sessions hold what the store has of them; the others were not read yet, or were put to
    /// rest. Looks at every session.
    pub fn n_loaded(&self) -> usize {
        self.0.all().iter().filter(|cell| cell.core().read).count()
    }
}

impl Session {
    /// Reads what the store holds, if nobody has since the session was opened without reading or put to
    /// rest; else does nothing. Whoever asks for a token has this done by itself. Nothing is sent.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the store cannot be read.
    pub async fn load(&self) -> Result<(), Error> {
        let deadline = self.0.shared.clock.monotonic().after(self.0.settings.deadline);
        self.0.read_first(deadline).await
    }
}

impl Shared {
    /// Puts to rest whoever may be, at most once in a quarter of the time after which somebody may.
    pub(crate) fn evict(self: &Arc<Self>) {
        let Some(policy) = self.policy.eviction else { return };
        let now = self.now();
        if !self.is_time_to_evict(now.mono, policy.after / 4) {
            return;
        }
        let mut awake: Vec<(Timestamp, Arc<Cell>)> = Vec::new();
        for cell in self.all() {
            let Some(used_at) = cell.last_use(now.wall) else { continue };
            if now.wall.since(used_at) >= policy.after && cell.put_to_rest() {
                continue;
            }
            awake.push((used_at, cell));
        }
        let surplus = awake.len().saturating_sub(policy.at_most);
        if surplus > 0 {
            awake.sort_by_key(|(used_at, _)| *used_at);
            // Who cannot rest does not count: the next one does in its place.
            awake.iter().filter(|(_, cell)| cell.put_to_rest()).take(surplus).for_each(drop);
        }
    }

    fn is_time_to_evict(&self, now: Monotonic, pause: Duration) -> bool {
        let mut last = self.last_eviction();
        let due = last.is_none_or(|last| now.since(last) >= pause);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl Cell {
    /// When it was used last, as far as that is looked at; `None` if it rests.
    fn last_use(&self, now: Timestamp) -> Option<Timestamp> {
        let mut core = self.core();
        if !core.read {
            return None;
        }
        if self.snapshot.load().as_ref().is_some_and(|shown| shown.take_used())
            || self.is_waited_for()
        {
            core.last_used_at = now;
        }
        Some(core.last_used_at)
    }

    /// Lets go of all that the store has too. Not of what is in memory only, is under way, is waited for
    /// or has been refused by an API; then nothing happens and the answer is no.
    fn put_to_rest(&self) -> bool {
        if self.settings.keep_alive || self.settings.keep_refreshable || !self.is_not_read() {
            return false;
        }
        let mut core = self.core();
        let resting = core.read
            && core.machine.status() == Status::Active
            && core.machine.served().is_some()
            && core.machine.exchange().is_none()
            && core.flights.is_empty()
            && core.saved
            && core.unsaved.is_none()
            && core.one_time.is_none()
            && core.carried.is_none()
            && core.answers.is_none()
            && !self.is_waited_for();
        if !resting {
            return false;
        }
        core.machine = Machine::new();
        core.read = false;
        core.appointment = None;
        core.dozing = false;
        core.published = None;
        core.looked_at = None;
        core.kept_until = None;
        core.failing_since = None;
        core.ring = Ring::default();
        core.version = core.version.wrapping_add(1);
        core.recalled = None;
        let (held, challenge) = (core.held.take(), core.challenge.take());
        let error = core.last_error.take();
        let shown = self.snapshot.swap(None);
        self.forget_codes();
        self.shared.queue().cancel(self.slot());
        self.shared.idle().cancel(self.slot());
        drop(core);
        drop((held, challenge, error, shown));
        true
    }
}
