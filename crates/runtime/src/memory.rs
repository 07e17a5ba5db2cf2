//! A store that lives and dies with the process.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Clock, Committed, Error, ErrorKind, Fence, Lock, Monotonic, RecordName, Recovery, Revision,
    SealKeys, SecretBytes, SessionStore, StoredRecord,
};
use tokio::sync::Notify;

use crate::clock::SystemClock;
use crate::wait::{Waited, wait};

/// So many writes are remembered by name for those who watch; whoever is further behind is shown every
/// record that has changed since.
const MOST_HINTS: usize = 1024;

/// Keeps sessions in memory: for programs that sign in anew when they start, and for tests. Records are
/// sealed as in any other store, with a key that nobody else ever has.
///
/// Clones are the same store, each with its own place among the changes that
/// [`SessionStore::watch`] names: give every keeper a clone of its own.
pub struct MemoryStore {
    inner: Arc<Inner>,
    /// What whoever watches by this clone has heard of.
    place: Mutex<Place>,
    /// Nobody else will ever have it.
    alone: bool,
}

/// A place among the changes.
#[derive(Default)]
struct Place {
    /// The number of the last change that was named.
    heard: u64,
    /// Changes that are not remembered any more, by their names.
    missed: VecDeque<RecordName>,
}

struct Inner {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    freed: Notify,
    written: Notify,
    keys: SealKeys,
}

#[derive(Default)]
struct State {
    records: HashMap<RecordName, StoredRecord>,
    /// The last one of each name that was set aside.
    aside: HashMap<RecordName, StoredRecord>,
    locks: HashMap<RecordName, Holder>,
    /// The highest number given out, over all names.
    fence: u64,
    /// The last number given out for a name.
    fences: HashMap<RecordName, u64>,
    /// The last changes, each with its revision.
    changes: VecDeque<(u64, RecordName)>,
    /// The highest revision given out: a record that is made again has another one than before.
    revision: u64,
}

struct Holder {
    fence: u64,
    until: Monotonic,
}

impl MemoryStore {
    /// An empty store with a random sealing key.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the system gives no random bytes.
    pub fn new() -> Result<Self, Error> {
        Self::with_clock(Arc::new(SystemClock::new()))
    }

    /// The same with leases that end by `clock`.
    ///
    /// # Errors
    /// See [`MemoryStore::new`].
    pub fn with_clock(clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key).map_err(|_| {
            Error::new(ErrorKind::Store).hint("the system gives no random bytes for a sealing key")
        })?;
        let inner = Inner {
            state: Mutex::default(),
            clock,
            freed: Notify::new(),
            written: Notify::new(),
            keys: SealKeys::new(1, SecretBytes::new(key)),
        };
        Ok(Self { inner: Arc::new(inner), place: Mutex::default(), alone: false })
    }

    /// For one keeper and nobody else: there is no news of others, and no time is spent on hearing of it.
    pub(crate) const fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

impl MemoryStore {
    /// The record called `name` that was set aside last.
    pub fn aside(&self, name: &RecordName) -> Option<StoredRecord> {
        self.inner.state().aside.get(name).cloned()
    }

    /// The next change that this clone has not named yet.
    fn next_change(&self) -> Option<RecordName> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = place.missed.pop_front() {
            return Some(name);
        }
        let state = self.inner.state();
        let (heard, newest) = (place.heard, state.revision);
        if state.changes.front().is_some_and(|(oldest, _)| *oldest > heard + 1) {
            // Too far behind. A record that has gone meanwhile is not named: nobody can adopt it.
            let changed = state.records.iter().filter(|(_, record)| record.revision.0 > heard);
            let mut missed: Vec<_> =
                changed.map(|(name, record)| (record.revision, name)).collect();
            missed.sort_unstable();
            place.missed = missed.into_iter().map(|(_, name)| name.clone()).collect();
            place.heard = newest;
            return place.missed.pop_front();
        }
        // The newest change of a record stands for those before it.
        let newest_of = |(at, name): &&(u64, RecordName)| {
            state.records.get(name).is_none_or(|record| record.revision.0 <= *at)
        };
        let from = state.changes.partition_point(|(at, _)| *at <= heard);
        let (at, name) = state.changes.range(from..).find(newest_of)?;
        place.heard = *at;
        Some(name.clone())
    }
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        let heard = self.inner.state().revision;
        let place = Mutex::new(Place { heard, missed: VecDeque::new() });
        Self { inner: Arc::clone(&self.inner), place, alone: self.alone }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} records)", self.inner.state().records.len())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(self: &Arc<Self>, name: &RecordName, lease: Duration) -> Option<MemoryLock> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.locks.get(name).is_some_and(|holder| holder.until > now) {
            return None;
        }
        state.fence += 1;
        let fence = state.fence;
        state.fences.insert(name.clone(), fence);
        state.locks.insert(name.clone(), Holder { fence, until: now.after(lease) });
        drop(state);
        Some(MemoryLock { store: Arc::clone(self), name: name.clone(), fence })
    }
}

impl State {
    /// Counts a change of `name`, for whoever watches.
    fn changed(&mut self, name: &RecordName) -> Revision {
        self.revision += 1;
        if self.changes.len() == MOST_HINTS {
            self.changes.pop_front();
        }
        self.changes.push_back((self.revision, name.clone()));
        Revision(self.revision)
    }

    /// Whether a write under `fence` comes from somebody who has lost the lock.
    fn is_outdated(&self, fence: Option<&Fence>) -> bool {
        fence.is_some_and(|fence| self.fences.get(fence.lock()) != Some(&fence.number()))
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        Ok(self.inner.state().records.get(name).cloned())
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let state = self.inner.state();
        Ok(names.iter().map(|name| state.records.get(name).cloned()).collect())
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        let mut names: Vec<_> = self.inner.state().records.keys().cloned().collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        bound: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let store = &self.inner;
        // Nearly always it is free, and nobody need listen for that.
        if let Some(lock) = store.try_lock(name, lease) {
            return Ok(Box::new(lock));
        }
        let deadline = store.clock.monotonic().after(bound);
        loop {
            let freed = store.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if let Some(lock) = store.try_lock(name, lease) {
                return Ok(Box::new(lock));
            }
            // A holder that never lets go is waited for to the end of its lease.
            let lease_end = store.state().locks.get(name).map(|holder| holder.until);
            let until = lease_end.map_or(deadline, |end| end.min(deadline));
            let waited = wait(&*store.clock, freed, until).await;
            if waited == Waited::Over && store.clock.monotonic() >= deadline {
                return Err(Error::new(ErrorKind::Store)
                    .with_recovery(Recovery::Retry)
                    .hint("another session of this process holds the account's lock"));
            }
        }
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let revision = {
            let mut state = self.inner.state();
            let there = state.records.get(name).cloned();
            let revision = there.as_ref().map_or(Revision::NONE, |stored| stored.revision);
            if revision != expected || state.is_outdated(fence.as_ref()) {
                return Ok(Committed::Lost(there));
            }
            let revision = state.changed(name);
            let record = StoredRecord { revision, bytes };
            state.records.insert(name.clone(), record);
            revision
        };
        self.inner.written.notify_waiters();
        Ok(Committed::Done(revision))
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut state = self.inner.state();
        let same = state.records.get(name).is_some_and(|r| r.revision == expected);
        if same {
            state.records.remove(name);
            state.changed(name);
            drop(state);
            self.inner.written.notify_waiters();
        }
        Ok(same)
    }

    /// Keeps the last one of each name.
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut state = self.inner.state();
        let same = state.records.get(name).is_some_and(|r| r.revision == expected);
        if same && let Some(record) = state.records.remove(name) {
            state.aside.insert(name.clone(), record);
            state.changed(name);
            drop(state);
            self.inner.written.notify_waiters();
        }
        Ok(same)
    }

    /// Names every record that has changed since this clone was made, however long nobody asks; several
    /// changes of one record may be named once.
    async fn watch(&self) -> Option<RecordName> {
        if self.alone {
            return None;
        }
        loop {
            let written = self.inner.written.notified();
            tokio::pin!(written);
            written.as_mut().enable();
            if let Some(name) = self.next_change() {
                return Some(name);
            }
            written.await;
        }
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        Ok(self.inner.keys.clone())
    }
}

struct MemoryLock {
    store: Arc<Inner>,
    name: RecordName,
    fence: u64,
}

impl MemoryLock {
    fn until(&self) -> Option<Monotonic> {
        let state = self.store.state();
        state.locks.get(&self.name).filter(|h| h.fence == self.fence).map(|h| h.until)
    }
}

#[async_trait]
impl Lock for MemoryLock {
    fn fence(&self) -> Fence {
        Fence::new(self.name.clone(), self.fence)
    }

    fn held_for(&self, span: Duration) -> bool {
        let needed = self.store.clock.monotonic().after(span);
        self.until().is_some_and(|until| until >= needed)
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        let until = self.store.clock.monotonic().after(lease);
        let mut state = self.store.state();
        match state.locks.get_mut(&self.name).filter(|h| h.fence == self.fence) {
            Some(holder) => {
                holder.until = until;
                true
            }
            None => false,
        }
    }

    async fn release(self: Box<Self>) {}
}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.store.state();
        if state.locks.get(&self.name).is_some_and(|holder| holder.fence == self.fence) {
            state.locks.remove(&self.name);
            drop(state);
            self.store.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
