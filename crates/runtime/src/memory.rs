//! A store that lives and dies with the process.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Clock, Committed, Error, ErrorKind, Fence, Lock, Monotonic, RecordName, Recovery, Revision,
    SealKeys, SecretBytes, SessionStore, StoredRecord,
};
use tokio::sync::Notify;

use crate::by_name::ByName;
use crate::clock::SystemClock;
use crate::wait::wait;

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
    named: HashMap<RecordName, Named, ByName>,
    /// The highest number given out, over all names.
    fence: u64,
    /// The last changes, each with its revision.
    changes: VecDeque<(u64, RecordName)>,
    /// The highest revision given out: a record that is made again has another one than before.
    revision: u64,
}

/// All that there is of one name.
#[derive(Default)]
struct Named {
    record: Option<StoredRecord>,
    /// The last one that was set aside.
    aside: Option<Box<StoredRecord>>,
    /// The last number given out for the lock.
    fence: u64,
    /// While somebody has the lock under that number: until when.
    held_until: Option<Monotonic>,
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
        self.inner.state().named.get(name)?.aside.as_deref().cloned()
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
            let changed = state.records().filter(|(_, record)| record.revision.0 > heard);
            let mut missed: Vec<_> =
                changed.map(|(name, record)| (record.revision, name)).collect();
            missed.sort_unstable();
            place.missed = missed.into_iter().map(|(_, name)| name.clone()).collect();
            place.heard = newest;
            return place.missed.pop_front();
        }
        // The newest change of a record stands for those before it.
        let newest_of = |(at, name): &&(u64, RecordName)| {
            state.record(name).is_none_or(|record| record.revision.0 <= *at)
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
        write!(f, "MemoryStore({} records)", self.inner.state().records().count())
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(self: &Arc<Self>, name: &RecordName, lease: Duration) -> Option<MemoryLock> {
        let now = self.clock.monotonic();
        let state = &mut *self.state();
        let named = state.named.entry(name.clone()).or_default();
        if named.held_until.is_some_and(|until| until > now) {
            return None;
        }
        state.fence += 1;
        (named.fence, named.held_until) = (state.fence, Some(now.after(lease)));
        Some(MemoryLock { store: Arc::clone(self), name: name.clone(), fence: state.fence })
    }
}

impl Named {
    /// Nothing would be lost with it: a write under an older number of a lock is refused all the same.
    const fn is_empty(&self) -> bool {
        self.record.is_none() && self.aside.is_none() && self.held_until.is_none()
    }
}

impl State {
    fn record(&self, name: &RecordName) -> Option<&StoredRecord> {
        self.named.get(name)?.record.as_ref()
    }

    fn records(&self) -> impl Iterator<Item = (&RecordName, &StoredRecord)> {
        self.named.iter().filter_map(|(name, named)| Some((name, named.record.as_ref()?)))
    }

    /// Takes the record of revision `expected` out, if it still has it.
    fn take(&mut self, name: &RecordName, expected: Revision) -> Option<StoredRecord> {
        let named = self.named.get_mut(name)?;
        let taken = named.record.take_if(|record| record.revision == expected)?;
        if named.is_empty() {
            self.named.remove(name);
        }
        self.changed(name);
        Some(taken)
    }

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
        fence.is_some_and(|fence| {
            let last = self.named.get(fence.lock()).map(|named| named.fence);
            last != Some(fence.number())
        })
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        Ok(self.inner.state().record(name).cloned())
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let state = self.inner.state();
        Ok(names.iter().map(|name| state.record(name).cloned()).collect())
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        let mut names: Vec<_> =
            self.inner.state().records().map(|(name, _)| name.clone()).collect();
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
            // Looked at after that: whoever was stopped comes when the holder's time may be over too.
            if store.clock.monotonic() >= deadline {
                return Err(Error::new(ErrorKind::Store)
                    .with_recovery(Recovery::Retry)
                    .hint("another session of this process holds the account's lock"));
            }
            // A holder that never lets go is waited for to the end of its lease.
            let lease_end = store.state().named.get(name).and_then(|named| named.held_until);
            let until = lease_end.map_or(deadline, |end| end.min(deadline));
            wait(&*store.clock, freed, until).await;
        }
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let (revision, replaced) = {
            let state = &mut *self.inner.state();
            let outdated = state.is_outdated(fence.as_ref());
            let there = state.record(name);
            if outdated || there.map_or(Revision::NONE, |stored| stored.revision) != expected {
                return Ok(Committed::Lost(there.cloned()));
            }
            let revision = state.changed(name);
            let record = Some(StoredRecord { revision, bytes });
            let named = state.named.entry(name.clone()).or_default();
            (revision, mem::replace(&mut named.record, record))
        };
        // Wiped where nobody waits for it.
        drop(replaced);
        self.inner.written.notify_waiters();
        Ok(Committed::Done(revision))
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let removed = self.inner.state().take(name, expected);
        if removed.is_some() {
            self.inner.written.notify_waiters();
        }
        Ok(removed.is_some())
    }

    /// Keeps the last one of each name.
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let state = &mut *self.inner.state();
        let Some(record) = state.take(name, expected) else { return Ok(false) };
        let named = state.named.entry(name.clone()).or_default();
        let replaced = named.aside.replace(Box::new(record));
        drop(replaced);
        self.inner.written.notify_waiters();
        Ok(true)
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
        state.named.get(&self.name).filter(|named| named.fence == self.fence)?.held_until
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
        let named = state.named.get_mut(&self.name).filter(|named| named.fence == self.fence);
        match named.and_then(|named| named.held_until.as_mut()) {
            Some(held_until) => {
                *held_until = until;
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
        let named = state.named.get_mut(&self.name).filter(|named| named.fence == self.fence);
        if let Some(named) = named
            && named.held_until.take().is_some()
        {
            if named.is_empty() {
                state.named.remove(&self.name);
            }
            drop(state);
            self.store.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
