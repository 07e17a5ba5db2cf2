//! Sessions that take little room: opened without reading the store, and put to rest when nobody has
//! used them for long.

use std::time::Duration;

use countersign_core::Error;
use countersign_core::session::{Machine, Status};

use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::session::Session;
use crate::status::Ring;
use crate::walk::Walk;

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
    /// rest. Looks at every session, and wakes none.
    pub fn n_loaded(&self) -> usize {
        let (mut walk, mut loaded) = (Walk::default(), 0);
        while !walk.is_over() {
            loaded += walk.portion(&self.0).iter().filter(|cell| cell.is_loaded()).count();
        }
        loaded
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

impl Cell {
    /// Lets go of all that the store has too. Not of what is in memory only, is under way, is waited for
    /// or has been refused by an API; then nothing happens and the answer is no.
    pub(crate) fn put_to_rest(&self) -> bool {
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
        core.renewal_due = None;
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
        let shown = self.snapshot.take(&self.shared.nothing);
        self.forget_codes();
        self.shared.queue().cancel(self.slot());
        self.shared.idle().cancel(self.slot());
        drop(core);
        drop((held, challenge, error, shown));
        true
    }
}
