//! A store that has every session and keeps none: the record that is asked for next is sealed when it
//! is asked for, and what is written is let go. So what a process holds is its sessions and not its
//! store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{
    AccessToken, Committed, Error, Fence, Generation, Lock, Profile, RecordName, RefreshToken,
    Revision, SealKeys, SecretBytes, SessionKey, SessionStore, StoredRecord, StoredTokens,
    Timestamp, TokenSet,
};
use countersign_seal::{Sealer, SessionRecord};

use super::{ACCESS_BYTES, REFRESH_BYTES, token};

/// One key for all: what is sealed with it is of a measurement.
const KEY: [u8; 32] = [7; 32];

/// The store. Clones are the same.
#[derive(Clone)]
pub(crate) struct Restoring(Arc<Inner>);

struct Inner {
    sealer: Sealer,
    issued_at: Timestamp,
    life: Duration,
    made: AtomicU64,
    next: Mutex<Option<(RecordName, SessionKey)>>,
}

impl Restoring {
    /// Records of tokens that were issued then and live so long.
    pub(crate) fn of(issued_at: Timestamp, life: Duration) -> Result<Self, Error> {
        let (sealer, made, next) = (Sealer::new(keys())?, AtomicU64::new(0), Mutex::new(None));
        Ok(Self(Arc::new(Inner { sealer, issued_at, life, made, next })))
    }

    /// The session that is opened next.
    pub(crate) fn next(&self, key: SessionKey) {
        let name = self.0.sealer.name(&key.digest());
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, key));
    }

    fn record(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        let next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, key)) = next.as_ref().filter(|(next, _)| next == name) else {
            return Ok(None);
        };
        let n = self.0.made.fetch_add(1, Ordering::Relaxed);
        let tokens = TokenSet::from_stored(StoredTokens {
            generation: Generation { counter: 1, tag: 1 },
            access_token: AccessToken::new(token(n, ACCESS_BYTES))?,
            refresh_token: Some(RefreshToken::new(token(!n, REFRESH_BYTES))?),
            id_token: None,
            issued_at: self.0.issued_at,
            expires_at: self.0.issued_at.after(self.0.life),
            refresh_expires_at: None,
            refreshes: 0,
            subject: None,
            profile: Profile::new(),
        });
        let record = SessionRecord { tokens: Some(tokens), counter: 1, ..Default::default() };
        let bytes = self.0.sealer.seal_session(key, &record)?;
        Ok(Some(StoredRecord { revision: Revision(1), bytes }))
    }
}

fn keys() -> SealKeys {
    SealKeys::new(1, SecretBytes::copy_from(&KEY))
}

#[async_trait]
impl SessionStore for Restoring {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.record(name)
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        Ok(Vec::new())
    }

    async fn lock(
        &self,
        name: &RecordName,
        _: Duration,
        _: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(Always(name.clone())))
    }

    async fn commit(
        &self,
        _: &RecordName,
        expected: Revision,
        _: Option<Fence>,
        _: SecretBytes,
    ) -> Result<Committed, Error> {
        Ok(Committed::Done(Revision(expected.0 + 1)))
    }

    async fn remove(&self, _: &RecordName, _: Revision) -> Result<bool, Error> {
        Ok(false)
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        Ok(keys())
    }
}

/// A lock that nobody contends for.
struct Always(RecordName);

#[async_trait]
impl Lock for Always {
    fn fence(&self) -> Fence {
        Fence::new(self.0.clone(), 1)
    }

    fn held_for(&self, _: Duration) -> bool {
        true
    }

    async fn renew(&mut self, _: Duration) -> bool {
        true
    }

    async fn release(self: Box<Self>) {}
}
