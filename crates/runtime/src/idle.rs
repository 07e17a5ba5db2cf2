//! Sessions that nobody uses for a while fall asleep: their headers go, and what is left is small.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::Monotonic;

use crate::cell::Cell;
use crate::shared::Shared;

/// Whoever was not asked for so long is idle. Waking up costs a microsecond or two.
const IDLE: Duration = Duration::from_secs(60);

/// So many are looked at in one go.
const PORTION: usize = 1024;

/// Looks after `cell`, whose headers are made, when it may be idle.
pub(crate) fn watch(cell: &Cell) {
    if cell.shared.policy.pull {
        return;
    }
    let due = cell.shared.clock.monotonic_coarse().after(IDLE);
    // Nobody is woken for it: the task looks every thirty seconds at least.
    cell.shared.idle().schedule(cell.slot(), due);
}

/// Puts to sleep who is idle, a portion at a time; when to look again.
pub(crate) fn sweep(shared: &Arc<Shared>) -> Option<Monotonic> {
    let due = shared.idle().pop_due(shared.clock.monotonic(), PORTION);
    for (slot, _) in due {
        if let Some(cell) = shared.at(slot) {
            cell.catch_up();
            cell.fall_asleep();
        }
    }
    shared.idle().next_due()
}

impl Cell {
    /// Its headers go if nobody has asked for them since the last look.
    fn fall_asleep(&self) {
        let mut core = self.core();
        let Some(shown) = self.snapshot.load_full() else { return };
        let used = shown.take_used();
        if used {
            core.last_used_at = self.shared.clock.now();
        }
        if used || !core.flights.is_empty() || core.machine.at_rest().is_none() {
            watch(self);
        } else {
            // The guard of the core does the rest.
            self.snapshot.take(&self.shared.nothing);
        }
    }
}
