//! Defects in how the processes of one account keep out of each other's way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::Engine;
use countersign_core::{
    Committed, Error, Fence, Lock, RecordName, Revision, SecretBytes, SessionStore, StoredRecord,
};
use countersign_runtime::KeeperBuilder;

use super::Defect;
use super::seams::{self, BrokenStore};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "lock-keeps-nobody-out",
        title: "The lock of an account is given to whoever asks",
        target: "cognito",
        caught_by: "f03-rotating-token-is-redeemed-once",
        engine: || seams::store(OpenLock),
    },
    Defect {
        id: "reads-that-lag-behind",
        title: "The store answers reads from a copy that lags behind",
        target: "igny8",
        caught_by: "f03-rotating-token-is-redeemed-once",
        engine: || seams::store(Lagging::default()),
    },
    Defect {
        id: "last-writer-wins",
        title: "A record is written whatever has been written meanwhile",
        target: "ibex",
        caught_by: "f04-loser-adopts-the-winner",
        engine: || seams::store(LastWriterWins),
    },
    Defect {
        id: "lease-shorter-than-an-exchange",
        title: "The lease of the lock is five seconds, and nobody looks at it",
        target: "ibex_oauth2",
        caught_by: "f27-lock-outlives-a-slow-exchange",
        engine: || seams::store(ShortLease),
    },
    Defect {
        id: "lease-never-looked-at",
        title: "The age of the lease is not looked at before something is sent",
        target: "wikimedia",
        caught_by: "f08-lease-is-checked-before-sending",
        engine: || seams::store(LeaseUnseen),
    },
    Defect {
        id: "lock-let-go-by-name",
        title: "A lock is let go by its name, whoever holds it by now",
        target: "ibex",
        caught_by: "f27-release-is-the-owners",
        engine: || seams::store(ByName::default()),
    },
    Defect {
        id: "one-number-for-all-replicas",
        title: "Every replica draws the same number for its spread",
        target: "ibex",
        caught_by: "f02-spread-over-a-fleet",
        engine: || Arc::new(OneNumber),
    },
];

/// Wraps a lock, and says what is broken about it.
struct Handle {
    real: Box<dyn Lock>,
    fence: Fence,
}

#[async_trait]
impl Lock for Handle {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    fn held_for(&self, _: Duration) -> bool {
        true
    }

    async fn renew(&mut self, _: Duration) -> bool {
        true
    }

    async fn release(self: Box<Self>) {
        self.real.release().await;
    }
}

#[derive(Clone)]
pub(super) struct OpenLock;

/// Held by everybody.
struct Anybodys(Fence);

#[async_trait]
impl Lock for Anybodys {
    fn fence(&self) -> Fence {
        self.0.clone()
    }

    fn held_for(&self, _: Duration) -> bool {
        true
    }

    async fn renew(&mut self, _: Duration) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}

#[async_trait]
impl BrokenStore for OpenLock {
    async fn lock(
        &self,
        _: &dyn SessionStore,
        name: &RecordName,
        _: Duration,
        _: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(Anybodys(Fence::new(name.clone(), 0))))
    }

    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        _: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        real.commit(name, expected, None, bytes).await
    }
}

/// A record as it was before the last writing, and how often that is still to be shown.
type Before = (Option<StoredRecord>, u32);

#[derive(Clone, Default)]
pub(super) struct Lagging(Arc<Mutex<HashMap<RecordName, Before>>>);

#[async_trait]
impl BrokenStore for Lagging {
    async fn load(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
    ) -> Result<Option<StoredRecord>, Error> {
        if let Some((old, left)) =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(name)
            && *left > 0
        {
            *left -= 1;
            return Ok(old.clone());
        }
        real.load(name).await
    }

    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let old = real.load(name).await?;
        let end = real.commit(name, expected, fence, bytes).await?;
        if old.is_some() {
            let mut lag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lag.insert(name.clone(), (old, 24));
        }
        Ok(end)
    }
}

#[derive(Clone)]
pub(super) struct LastWriterWins;

#[async_trait]
impl BrokenStore for LastWriterWins {
    async fn commit(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        _: Revision,
        _: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        let there = real.load(name).await?.map_or(Revision::NONE, |record| record.revision);
        real.commit(name, there, None, bytes).await
    }
}

#[derive(Clone)]
struct ShortLease;

#[async_trait]
impl BrokenStore for ShortLease {
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        _: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let real = real.lock(name, Duration::from_secs(5), wait).await?;
        Ok(Box::new(Handle { fence: real.fence(), real }))
    }
}

#[derive(Clone)]
struct LeaseUnseen;

#[async_trait]
impl BrokenStore for LeaseUnseen {
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let real = real.lock(name, lease, wait).await?;
        Ok(Box::new(Handle { fence: real.fence(), real }))
    }
}

type Held = Arc<Mutex<HashMap<RecordName, Box<dyn Lock>>>>;

/// Who holds what, by name.
#[derive(Clone, Default)]
struct ByName(Held);

struct Name {
    held: Held,
    name: RecordName,
    fence: Fence,
}

#[async_trait]
impl BrokenStore for ByName {
    async fn lock(
        &self,
        real: &dyn SessionStore,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let real = real.lock(name, lease, wait).await?;
        let (held, fence) = (Arc::clone(&self.0), real.fence());
        held.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), real);
        Ok(Box::new(Name { held, name: name.clone(), fence }))
    }
}

#[async_trait]
impl Lock for Name {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    fn held_for(&self, span: Duration) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(&self.name).is_some_and(|real| real.held_for(span))
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        let found = self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        let Some(mut real) = found else { return false };
        let renewed = real.renew(lease).await;
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name.clone(), real);
        renewed
    }

    async fn release(self: Box<Self>) {
        let found = self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
        if let Some(real) = found {
            real.release().await;
        }
    }
}

struct OneNumber;

impl Engine for OneNumber {
    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        builder.replica_seed(1)
    }
}
