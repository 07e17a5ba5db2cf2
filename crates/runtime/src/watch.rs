//! Following the store's hints: what a sibling has written is looked at before it is needed.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use countersign_core::{KeyDigest, RecordName, SessionStore};
use futures_util::future::{Either, select};

use crate::shared::Shared;
use crate::sync::{AtomicBool, Mutex, Notify};

/// So many of our own writes are told apart from those of others.
const MOST_OWN: usize = 4096;

/// What the task that follows hints has to know.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    running: AtomicBool,
    /// Our own writes whose hints have not come yet.
    own: Mutex<HashSet<RecordName>>,
    names: Mutex<Names>,
}

/// Which name belongs to which session. Made when a sibling has written, not before.
#[derive(Debug, Default)]
struct Names {
    known: HashMap<RecordName, KeyDigest>,
    of: usize,
}

impl Watch {
    /// A hint for `name` will come, and is not news.
    pub(crate) fn wrote(&self, name: RecordName) {
        if self.running.load(Ordering::Relaxed) {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            if own.len() < MOST_OWN {
                own.insert(name);
            }
        }
    }

    fn was_ours(&self, name: &RecordName) -> bool {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).remove(name)
    }
}

/// Starts to follow, once, where the store can tell of changes.
pub(crate) fn ensure(shared: &Arc<Shared>) {
    if shared.policy.pull || shared.watch.running.swap(true, Ordering::AcqRel) {
        return;
    }
    let (keeper, store) = (Arc::downgrade(shared), Arc::clone(&shared.store));
    let gone = Arc::clone(&shared.gone);
    shared.spawn(async move {
        loop {
            let hint = next_hint(&*store, &gone).await;
            let Some(name) = hint else { break };
            let Some(shared) = keeper.upgrade().filter(|shared| !shared.is_closed()) else { break };
            if !shared.watch.was_ours(&name) {
                follow(&shared, &name).await;
            }
        }
        if let Some(shared) = keeper.upgrade() {
            shared.watch.own.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    });
}

/// `None` once the keeper has gone, or if the store cannot tell.
async fn next_hint(store: &dyn SessionStore, gone: &Notify) -> Option<RecordName> {
    match select(store.watch(), pin!(gone.notified())).await {
        Either::Left((hint, _)) => hint,
        Either::Right(_) => None,
    }
}

async fn follow(shared: &Arc<Shared>, name: &RecordName) {
    let Some(key) = owner(shared, name).await else { return };
    if let Some(cell) = shared.find(&key) {
        // A hint that cannot be followed is one hint less: the lock reads again anyway.
        drop(cell.look().await);
    }
}

async fn owner(shared: &Arc<Shared>, name: &RecordName) -> Option<KeyDigest> {
    let sealer = shared.sealer().await.ok()?;
    let n_sessions = shared.n_sessions();
    let mut names = shared.watch.names.lock().unwrap_or_else(PoisonError::into_inner);
    if names.of != n_sessions {
        let all = shared.keys();
        names.of = all.len();
        names.known = all.into_iter().map(|key| (sealer.name(&key), key)).collect();
    }
    names.known.get(name).copied()
}
