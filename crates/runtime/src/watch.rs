//! Following the store's hints: what a sibling has written is looked at before it is needed.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use countersign_core::session::{Event, Status};
use countersign_core::{Monotonic, RecordName, Revision, SessionStore};
use futures_util::future::{Either, select};

use crate::by_name::ByName;
use crate::cell::Cell;
use crate::names::Names;
use crate::post::Cargo;
use crate::shared::Shared;
use crate::sync::{AtomicBool, Mutex, Notify};
use crate::wait::wait;

/// So many of our own writes are told apart from those of others.
const MOST_OWN: usize = 4096;

/// A hint that comes later than this is followed as if it were for somebody else's write.
const OWN_HINT: Duration = Duration::from_secs(1);

/// A store that hangs over one record must not keep the others' news back for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the task that follows hints has to know.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    running: AtomicBool,
    /// The store cannot tell, or nobody listens any more.
    deaf: AtomicBool,
    /// Our own writes whose hints have not come yet: which revision they made.
    own: Mutex<Own>,
    pub(crate) names: Names,
}

#[derive(Debug, Default)]
struct Own {
    writes: HashMap<RecordName, (Revision, Monotonic), ByName>,
    /// When there may be some again whose hints never came.
    sweep_at: Monotonic,
}

impl Watch {
    /// A hint for `name` will come. It is no news if the record is still of `revision` then.
    pub(crate) fn wrote(&self, name: RecordName, revision: Revision, now: Monotonic) {
        if self.running.load(Ordering::Relaxed) && !self.deaf.load(Ordering::Relaxed) {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            if own.writes.len() >= MOST_OWN && own.sweep_at <= now {
                own.writes.retain(|_, (_, until)| *until > now);
                own.sweep_at = now.after(OWN_HINT / 4);
            }
            if own.writes.len() < MOST_OWN {
                own.writes.insert(name, (revision, now.after(OWN_HINT)));
            }
        }
    }

    /// The revision that a write of ours has made, whose hint this may be. It may as well stand for
    /// several writes, ours and others'.
    fn ours(&self, name: &RecordName, now: Monotonic) -> Option<Revision> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.writes.remove(name).filter(|(_, until)| *until > now).map(|(revision, _)| revision)
    }
}

/// Starts to follow, once, where the store can tell of changes.
pub(crate) fn ensure(shared: &Arc<Shared>) {
    let running = &shared.watch.running;
    if shared.policy.pull
        || running.load(Ordering::Acquire)
        || shared.is_closed()
        || running.swap(true, Ordering::AcqRel)
    {
        return;
    }
    let (keeper, store) = (Arc::downgrade(shared), Arc::clone(&shared.store));
    let gone = Arc::clone(&shared.gone);
    let mut lost = Lost { keeper: Some(Arc::downgrade(shared)), began: false };
    shared.spawn(async move {
        lost.began = true;
        loop {
            let hint = next_hint(&*store, &gone).await;
            let Some(name) = hint else { break };
            let Some(shared) = keeper.upgrade().filter(|shared| !shared.is_closed()) else { break };
            let until = shared.clock.monotonic().after(PATIENCE);
            wait(&*shared.clock, follow(&shared, &name), until).await;
        }
        // There is nothing to begin again, and nothing to tell apart.
        lost.disarm();
        if let Some(shared) = keeper.upgrade() {
            shared.watch.deaf.store(true, Ordering::Relaxed);
            let mut own = shared.watch.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.writes = HashMap::default();
        }
    });
}

/// Says that the task has gone with its runtime: the next caller begins it again.
struct Lost {
    keeper: Option<Weak<Shared>>,
    /// It has run: whoever relies on it must hear that it has gone.
    began: bool,
}

impl Lost {
    fn disarm(mut self) {
        self.keeper = None;
    }
}

impl Drop for Lost {
    fn drop(&mut self) {
        if let Some(shared) = self.keeper.take().and_then(|shared| shared.upgrade()) {
            shared.watch.running.store(false, Ordering::Release);
            if self.began {
                shared.nudge();
            }
        }
    }
}

/// `None` once the keeper has gone, or if the store cannot tell.
async fn next_hint(store: &dyn SessionStore, gone: &Notify) -> Option<RecordName> {
    match select(store.watch(), pin!(gone.notified())).await {
        Either::Left((hint, _)) => hint,
        Either::Right(_) => None,
    }
}

async fn follow(shared: &Arc<Shared>, name: &RecordName) {
    if let Some(ours) = shared.watch.ours(name, shared.clock.monotonic()) {
        // A sibling may have written beside us: what is there now tells.
        let there = shared.store.load(name).await;
        if there.is_ok_and(|there| there.is_some_and(|there| there.revision == ours)) {
            return;
        }
    }
    let Ok(opener) = shared.opener().await else { return };
    let Some(key) = shared.watch.names.owner(shared, &opener, name) else { return };
    let Some(cell) = shared.find(&key) else { return };
    // Who rests reads with his next use.
    if cell.core().read {
        // A hint that cannot be followed is one hint less: the lock reads again anyway.
        let read = cell.look().await;
        if read.is_ok() && cell.waits_to_save() {
            // The store answers again: what it has not taken is written before a sibling buys another.
            cell.post(Event::Due, Cargo::default());
        }
    }
}

impl Cell {
    /// Tokens are held that the store has not taken, and nobody writes them now.
    fn waits_to_save(&self) -> bool {
        let core = self.core();
        !core.saved && core.flights.is_empty() && core.machine.status() == Status::Active
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
