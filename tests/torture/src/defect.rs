//! Engines that are broken on purpose, at the same seams: they show that an experiment can fail.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::session::{Effect, Event, Grant};
use countersign_core::{
    Committed, Error, Fence, KeyDigest, Lock, RecordName, Revision, SecretBytes, SessionStore,
};
use countersign_runtime::EffectFilter;
use countersign_seal::suite::Over;
use countersign_store_file::FileStore;
use serde::{Deserialize, Serialize};

/// What is broken in a process.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
pub(crate) enum Defect {
    /// Everybody gets the lock.
    NoLock,
    /// The mark before a refresh is not written.
    NoMark,
}

/// A driver that forgets the mark before a refresh.
pub(crate) struct WithoutMark<F>(pub(crate) F);

impl<F: EffectFilter> EffectFilter for WithoutMark<F> {
    fn event(&self, session: KeyDigest, event: &Event) {
        self.0.event(session, event);
    }

    fn effect(&self, session: KeyDigest, effect: Effect) -> Vec<Effect> {
        let effect = match effect {
            Effect::Journal(id, Grant::Refresh) => Effect::Journal(id, Grant::Save),
            other => other,
        };
        self.0.effect(session, effect)
    }
}

/// A store whose lock excludes nobody.
pub(crate) struct Unlocked(pub(crate) FileStore);

#[async_trait]
impl Over for Unlocked {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn lock(
        &self,
        name: &RecordName,
        _: Duration,
        _: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        Ok(Box::new(NoLock(name.clone())))
    }

    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        _: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error> {
        self.0.commit(name, expected, None, bytes).await
    }
}

struct NoLock(RecordName);

#[async_trait]
impl Lock for NoLock {
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
