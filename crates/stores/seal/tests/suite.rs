//! The suite for stores is itself tried: a right store passes, each wrong one fails.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up stops it")]

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Revision, SealKeys, SecretBytes,
    SessionStore, StoredRecord,
};
use countersign_seal::suite;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Defect {
    None,
    AnyRevisionFits,
    AsideNeedsNoRevision,
    AsideStays,
    FenceIsIgnored,
    KeysChange,
    ListForgets,
    ListRemembers,
    LockIsGivenToTwo,
    LockStays,
    LoadManySorts,
    LoserSeesNothing,
    RemovalNeedsNoRevision,
    RevisionBeginsAgain,
    RevisionStays,
}

/// A store in memory with one defect.
struct Store {
    defect: Defect,
    records: Mutex<BTreeMap<RecordName, StoredRecord>>,
    seen: Mutex<BTreeSet<RecordName>>,
    highest: Mutex<u64>,
    locks: Arc<Mutex<BTreeSet<RecordName>>>,
    fences: Mutex<BTreeMap<RecordName, u64>>,
    keys: AtomicU8,
}

impl Store {
    fn new(defect: Defect) -> Self {
        Self {
            defect,
            records: Mutex::default(),
            seen: Mutex::default(),
            highest: Mutex::new(0),
            locks: Arc::default(),
            fences: Mutex::default(),
            keys: AtomicU8::new(0),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

struct Held {
    name: RecordName,
    fence: Fence,
    locks: Arc<Mutex<BTreeSet<RecordName>>>,
    stays: bool,
}

#[async_trait]
impl Lock for Held {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    fn held_for(&self, _span: Duration) -> bool {
        true
    }

    async fn renew(&mut self, _lease: Duration) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.stays {
            self.locks.lock().unwrap().remove(&self.name);
        }
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        Ok(self.records.lock().unwrap().get(name).cloned())
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let mut names = names.to_vec();
        if self.has(Defect::LoadManySorts) {
            names.sort_by_key(|name| self.records.lock().unwrap().contains_key(name));
        }
        let records = self.records.lock().unwrap();
        Ok(names.iter().map(|name| records.get(name).cloned()).collect())
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        if self.has(Defect::ListRemembers) {
            return Ok(self.seen.lock().unwrap().iter().cloned().collect());
        }
        let forgotten = usize::from(self.has(Defect::ListForgets));
        Ok(self.records.lock().unwrap().keys().skip(forgotten).cloned().collect())
    }

    async fn lock(
        &self,
        name: &RecordName,
        _lease: Duration,
        _wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let taken = self.locks.lock().unwrap().insert(name.clone());
        if !taken && !self.has(Defect::LockIsGivenToTwo) {
            return Err(Error::new(ErrorKind::Store));
        }
        let mut fences = self.fences.lock().unwrap();
        let fence = fences.entry(name.clone()).or_default();
        *fence += 1;
        let (locks, stays) = (Arc::clone(&self.locks), self.has(Defect::LockStays));
        Ok(Box::new(Held {
            name: name.clone(),
            fence: Fence::new(name.clone(), *fence),
            locks,
            stays,
        }))
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let mut records = self.records.lock().unwrap();
        let current = records.get(name).cloned();
        let revision = current.as_ref().map_or(Revision::NONE, |record| record.revision);
        let lock = fence.as_ref().map_or(name, Fence::lock);
        let last = self.fences.lock().unwrap().get(lock).copied();
        let fits = revision == expected || self.has(Defect::AnyRevisionFits);
        let fenced = self.has(Defect::FenceIsIgnored)
            || fence.is_none_or(|fence| last.is_some_and(|last| last == fence.number()));
        if !fits || !fenced {
            return Ok(Committed::Lost(current.filter(|_| !self.has(Defect::LoserSeesNothing))));
        }
        let mut highest = self.highest.lock().unwrap();
        *highest += 1;
        let revision = match self.defect {
            Defect::RevisionStays => Revision(1),
            Defect::RevisionBeginsAgain => Revision(revision.0 + 1),
            _ => Revision(*highest),
        };
        records.insert(name.clone(), StoredRecord { revision, bytes });
        self.seen.lock().unwrap().insert(name.clone());
        Ok(Committed::Done(revision))
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut records = self.records.lock().unwrap();
        let fits = records.get(name).is_some_and(|record| record.revision == expected);
        let remove = fits || self.has(Defect::RemovalNeedsNoRevision);
        Ok(remove && records.remove(name).is_some())
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut records = self.records.lock().unwrap();
        let fits = records.get(name).is_some_and(|record| record.revision == expected);
        if self.has(Defect::AsideStays) {
            return Ok(fits);
        }
        let moves = fits || self.has(Defect::AsideNeedsNoRevision);
        Ok(moves && records.remove(name).is_some())
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        let step = u8::from(self.has(Defect::KeysChange));
        let fill = self.keys.fetch_add(step, Ordering::Relaxed);
        Ok(SealKeys::new(1, SecretBytes::new(vec![fill; 32])))
    }
}

/// Nothing here ever waits, so one poll is the whole run.
fn run(defect: Defect) -> Result<(), suite::Failure> {
    let store = Store::new(defect);
    match pin!(suite::run(&store)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a store that never waits kept the suite waiting"),
    }
}

#[test]
fn a_right_store_passes() {
    run(Defect::None).unwrap();
}

#[test]
fn every_wrong_store_fails() {
    for defect in [
        Defect::AnyRevisionFits,
        Defect::AsideNeedsNoRevision,
        Defect::AsideStays,
        Defect::FenceIsIgnored,
        Defect::KeysChange,
        Defect::ListForgets,
        Defect::ListRemembers,
        Defect::LoadManySorts,
        Defect::LockIsGivenToTwo,
        Defect::LockStays,
        Defect::LoserSeesNothing,
        Defect::RemovalNeedsNoRevision,
        Defect::RevisionBeginsAgain,
        Defect::RevisionStays,
    ] {
        let failure = run(defect).expect_err(&format!("{defect:?} was not noticed"));
        assert!(!failure.to_string().is_empty());
    }
}
