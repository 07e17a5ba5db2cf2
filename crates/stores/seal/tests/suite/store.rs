//! A store in memory with one defect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Recovery, Revision, SealKeys,
    SecretBytes, SessionStore, StoredRecord,
};
use countersign_seal::suite::Damage;

use crate::defect::Defect;

/// One handle of the store.
pub(crate) struct Store {
    inner: Arc<Inner>,
    handle: u8,
    /// What this handle has read, where it does not read again.
    read: Mutex<BTreeMap<RecordName, StoredRecord>>,
}

struct Inner {
    defect: Defect,
    state: Mutex<State>,
    now: Arc<AtomicU64>,
    keys: AtomicU8,
}

#[derive(Default)]
struct State {
    records: BTreeMap<RecordName, StoredRecord>,
    seen: BTreeSet<RecordName>,
    log: Vec<RecordName>,
    whole: Option<SecretBytes>,
    highest: u64,
    locks: BTreeMap<RecordName, (u64, u64)>,
    released: BTreeSet<(RecordName, u64)>,
    fences: BTreeMap<RecordName, u64>,
    damaged: BTreeSet<RecordName>,
}

/// Moves the store's time.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) async fn pass(&self, time: Duration) {
        self.0.fetch_add(millis(time), Ordering::Relaxed);
        breathe().await;
    }
}

impl Store {
    pub(crate) fn pair(defect: Defect) -> (Self, Self) {
        let inner = Arc::new(Inner {
            defect,
            state: Mutex::default(),
            now: Arc::new(AtomicU64::new(1)),
            keys: AtomicU8::new(0),
        });
        let handle = |handle| Self { inner: Arc::clone(&inner), handle, read: Mutex::default() };
        (handle(0), handle(1))
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock(Arc::clone(&self.inner.now))
    }

    /// Damages the bytes of a record behind the store's back.
    pub(crate) fn damaging(&self) -> impl Fn(RecordName, Damage) + use<> {
        let inner = Arc::clone(&self.inner);
        move |name, how| {
            let mut state = inner.state.lock().unwrap();
            let record = state.records.get_mut(&name).unwrap();
            let mut bytes = record.bytes.expose_bytes().to_vec();
            how.befall(&mut bytes);
            record.bytes = SecretBytes::new(bytes);
            state.damaged.insert(name);
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.inner.has(defect)
    }

    fn as_stored(&self, bytes: SecretBytes) -> SecretBytes {
        let plain = bytes.expose_bytes();
        match self.inner.defect {
            Defect::BytesAreText => {
                SecretBytes::new(String::from_utf8_lossy(plain).into_owned().into_bytes())
            }
            Defect::BytesAreCut => SecretBytes::copy_from(&plain[..plain.len().min(65_536)]),
            _ => bytes,
        }
    }

    fn try_lock(&self, name: &RecordName, lease: Duration) -> Option<Held> {
        let inner = &self.inner;
        let lock = if self.has(Defect::LocksAreOne) {
            RecordName::from_hash([0; 16])
        } else {
            name.clone()
        };
        let mut state = inner.state.lock().unwrap();
        let ends =
            |(_, until): &(u64, u64)| !inner.has(Defect::LeaseNeverEnds) && *until <= inner.now();
        let free = state.locks.get(&lock).is_none_or(ends);
        if !free && !self.has(Defect::LockIsGivenToTwo) {
            return None;
        }
        let fence = state.fences.entry(name.clone()).or_default();
        *fence = if inner.has(Defect::FenceStays) { 1 } else { *fence + 1 };
        let number = *fence;
        let until = inner.now() + millis(lease);
        state.locks.insert(lock.clone(), (number, until));
        drop(state);
        let fence = Fence::new(name.clone(), number);
        Some(Held { inner: Arc::clone(inner), lock, fence, until })
    }
}

impl Inner {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }
}

struct Held {
    inner: Arc<Inner>,
    lock: RecordName,
    fence: Fence,
    until: u64,
}

#[async_trait]
impl Lock for Held {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    fn held_for(&self, span: Duration) -> bool {
        let state = self.inner.state.lock().unwrap();
        let ours = state.locks.get(&self.lock).filter(|(fence, _)| *fence == self.fence.number());
        let left = |until: u64| until.saturating_sub(self.inner.now());
        match (self.inner.defect, ours) {
            (Defect::HeldForEver, _) => true,
            (_, None) => false,
            (Defect::ExpiryIsForgotten | Defect::LeaseNeverEnds, Some(_)) => true,
            (Defect::HeldForAnyTime, Some((_, until))) => left(*until) > 0,
            (_, Some((_, until))) => left(*until) > 0 && left(*until) >= millis(span),
        }
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        match self.inner.defect {
            Defect::RenewalDoesNothing | Defect::RenewalOfAnyone => return true,
            _ => {}
        }
        let now = self.inner.now();
        let mut state = self.inner.state.lock().unwrap();
        let ours =
            state.locks.get_mut(&self.lock).filter(|(fence, _)| *fence == self.fence.number());
        let Some((_, until)) = ours else { return false };
        *until = now + millis(lease);
        self.until = *until;
        true
    }

    async fn release(self: Box<Self>) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.inner.state.lock().unwrap();
        let number = self.fence.number();
        state.released.insert((self.fence.lock().clone(), number));
        let ours = state.locks.get(&self.lock).is_some_and(|(fence, _)| *fence == number);
        if (ours || self.inner.has(Defect::ReleaseOfAnyone)) && !self.inner.has(Defect::LockStays) {
            state.locks.remove(&self.lock);
        }
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        if self.has(Defect::StaleUnderTheLock) && self.handle == 1 {
            let known = self.read.lock().unwrap().get(name).cloned();
            if known.is_some() {
                return Ok(known);
            }
        }
        let mut state = self.inner.state.lock().unwrap();
        let mut record = state.records.get(name).cloned();
        match (self.inner.defect, &mut record) {
            (Defect::SomethingIsThere, None) => {
                let bytes = SecretBytes::default();
                record = Some(StoredRecord { revision: Revision(1), bytes });
            }
            (Defect::DamagedIsGone, Some(_)) if state.damaged.contains(name) => {
                state.records.remove(name);
            }
            (Defect::LoadsByContent, Some(record)) => {
                let named = |other: &&StoredRecord| {
                    let bytes = other.bytes.expose_bytes();
                    let hash = bytes.get(10..26).and_then(|hash| <[u8; 16]>::try_from(hash).ok());
                    hash.is_some_and(|hash| RecordName::from_hash(hash) == *name)
                };
                if let Some(other) = state.records.values().find(named) {
                    record.bytes = other.bytes.clone();
                }
            }
            (Defect::MagicIsMended, Some(record)) => {
                let mut bytes = record.bytes.expose_bytes().to_vec();
                if bytes.get(1..4) == Some(b"SR1") {
                    bytes[0] = b'C';
                    record.bytes = SecretBytes::new(bytes);
                }
            }
            (Defect::NewerIsRemoved, Some(record)) => {
                let bytes = record.bytes.expose_bytes();
                if bytes.starts_with(b"CSR1") && bytes[4] == 255 {
                    state.records.remove(name);
                }
            }
            (Defect::ReadersGetTheWhole, Some(record)) => {
                let for_readers = record.bytes.expose_bytes().starts_with(b"CSR1\x03\x03");
                if let Some(whole) = state.whole.clone().filter(|_| for_readers) {
                    record.bytes = whole;
                }
            }
            _ => {}
        }
        if let Some(record) = &record {
            self.read.lock().unwrap().insert(name.clone(), record.clone());
        }
        Ok(record)
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let mut names = names.to_vec();
        let state = self.inner.state.lock().unwrap();
        if self.has(Defect::LoadManySorts) {
            names.sort_by_key(|name| state.records.contains_key(name));
        }
        Ok(names.iter().map(|name| state.records.get(name).cloned()).collect())
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        let state = self.inner.state.lock().unwrap();
        if self.has(Defect::ListRemembers) {
            return Ok(state.seen.iter().cloned().collect());
        }
        if self.has(Defect::ListIsLate) {
            let late = state.log.last();
            return Ok(state.records.keys().filter(|name| Some(*name) != late).cloned().collect());
        }
        let forgotten = usize::from(self.has(Defect::ListForgets));
        Ok(state.records.keys().skip(forgotten).cloned().collect())
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let until = self.inner.now() + millis(wait);
        loop {
            if let Some(lock) = self.try_lock(name, lease) {
                return Ok(Box::new(lock));
            }
            let over = self.inner.now() >= until || self.has(Defect::WaitGivesUp);
            if over && (wait.is_zero() || !self.has(Defect::WaitHasNoEnd)) {
                let named = !self.has(Defect::HolderIsNotNamed);
                let hint = if named { "held by host 7" } else { "held" };
                return Err(Error::new(ErrorKind::Store)
                    .with_recovery(Recovery::Retry)
                    .hint(hint.to_owned()));
            }
            breathe().await;
        }
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let (record, format, key) = match bytes.expose_bytes() {
            [b'C', b'S', b'R', b'1', format, kind, _, _, _, key, ..] => (*kind, *format, *key),
            _ => (0, 2, 1),
        };
        if (self.has(Defect::NewFormatOnly) && matches!(format, 1 | 2))
            || (self.has(Defect::OneKeyOnly) && key != 1)
        {
            return Err(Error::new(ErrorKind::Store));
        }
        let current = self.inner.state.lock().unwrap().records.get(name).cloned();
        let revision = current.as_ref().map_or(Revision::NONE, |record| record.revision);
        let replaces = self.has(Defect::DamagedIsReplaced)
            && self.inner.state.lock().unwrap().damaged.contains(name);
        let fits = revision == expected || self.has(Defect::AnyRevisionFits) || replaces;
        if !fits || !self.is_fenced(name, fence.as_ref()) {
            return Ok(Committed::Lost(current.filter(|_| !self.has(Defect::LoserSeesNothing))));
        }
        if self.has(Defect::WritesAreLost) {
            // Others read meanwhile what is about to be replaced.
            breathe().await;
        }
        let bytes = self.as_stored(bytes);
        let mut state = self.inner.state.lock().unwrap();
        state.highest += 1;
        let revision = match self.inner.defect {
            Defect::RevisionStays => Revision(1),
            Defect::RevisionBeginsAgain => Revision(revision.0 + 1),
            _ => Revision(state.highest),
        };
        if record == 1 {
            state.whole = Some(bytes.clone());
        }
        state.records.insert(name.clone(), StoredRecord { revision, bytes });
        state.seen.insert(name.clone());
        state.log.push(name.clone());
        Ok(Committed::Done(revision))
    }

    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut state = self.inner.state.lock().unwrap();
        let fits = state.records.get(name).is_some_and(|record| record.revision == expected);
        let remove = fits || self.has(Defect::RemovalNeedsNoRevision);
        Ok(remove && state.records.remove(name).is_some())
    }

    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let mut state = self.inner.state.lock().unwrap();
        let fits = state.records.get(name).is_some_and(|record| record.revision == expected);
        if self.has(Defect::AsideStays) {
            return Ok(fits);
        }
        let moves = fits || self.has(Defect::AsideNeedsNoRevision);
        Ok(moves && state.records.remove(name).is_some())
    }

    async fn watch(&self) -> Option<RecordName> {
        let from = self.inner.state.lock().unwrap().log.len();
        std::future::poll_fn(|_| {
            let state = self.inner.state.lock().unwrap();
            match (self.inner.defect, state.log.get(from)) {
                (Defect::WatchIsSilent, _) | (_, None) => Poll::Pending,
                (Defect::WatchNamesAnother, Some(_)) => {
                    Poll::Ready(Some(RecordName::from_hash([0; 16])))
                }
                (_, Some(name)) => Poll::Ready(Some(name.clone())),
            }
        })
        .await
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        let step = u8::from(self.has(Defect::KeysChange));
        let mut fill = self.inner.keys.fetch_add(step, Ordering::Relaxed);
        if self.has(Defect::KeysAreOfOneHandle) {
            fill += self.handle;
        }
        Ok(SealKeys::new(1, SecretBytes::new(vec![fill; 32])))
    }
}

impl Store {
    fn is_fenced(&self, name: &RecordName, fence: Option<&Fence>) -> bool {
        let Some(fence) = fence else { return true };
        let state = self.inner.state.lock().unwrap();
        let lock = match self.inner.defect {
            Defect::FenceIsIgnored => return true,
            Defect::FencesOfLeasesAreIgnored => {
                return !state.released.contains(&(fence.lock().clone(), fence.number()));
            }
            // Under the record's own name it may fit by chance, and nothing is known of others.
            Defect::FenceOfTheRecord if name != fence.lock() => return true,
            _ => fence.lock(),
        };
        state.fences.get(lock) == Some(&fence.number())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// Lets others go on.
async fn breathe() {
    let mut done = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut done, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
