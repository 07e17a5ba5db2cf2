//! A keeper that only reads: it hands out what siblings have bought, and buys, writes and ends nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::session::Purpose;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, Lock, RecordName, Recovery, Revision, SealKeys,
    SecretBytes, SessionStore, StoredRecord,
};

use crate::cell::Cell;

/// How often the store is looked at for the next token, in the last part of the life of the one that is
/// there: every twentieth of its life, within these.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The code of the errors that say that a store takes no writes, ours or a store's own.
pub(crate) const READ_ONLY: &str = "read_only";

/// Whatever a defect may want to write, this does not let it.
pub(crate) struct OnlyRead(pub(crate) Arc<dyn SessionStore>);

/// Whether a write failed for want of a right to it: then siblings may have one.
pub(crate) fn is_refusal(error: &Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), PermissionDenied | ReadOnlyFilesystem);
        }
        source = cause.source();
    }
    error.code() == Some(READ_ONLY)
}

fn refused() -> Error {
    Error::new(ErrorKind::Store)
        .with_recovery(Recovery::GiveUp)
        .with_code(READ_ONLY)
        .hint("this keeper only reads; sign in, refresh and sign out where sessions are written")
}

#[async_trait]
impl SessionStore for OnlyRead {
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error> {
        self.0.load(name).await
    }

    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        self.0.load_many(names).await
    }

    async fn list(&self) -> Result<Vec<RecordName>, Error> {
        self.0.list().await
    }

    async fn lock(&self, _: &RecordName, _: Duration, _: Duration) -> Result<Box<dyn Lock>, Error> {
        Err(refused())
    }

    async fn commit(
        &self,
        _: &RecordName,
        _: Revision,
        _: Option<Fence>,
        _: SecretBytes,
    ) -> Result<Committed, Error> {
        Err(refused())
    }

    async fn remove(&self, _: &RecordName, _: Revision) -> Result<bool, Error> {
        Err(refused())
    }

    async fn set_aside(&self, _: &RecordName, _: Revision) -> Result<bool, Error> {
        Err(refused())
    }

    async fn watch(&self) -> Option<RecordName> {
        self.0.watch().await
    }

    fn place(&self, name: &RecordName) -> String {
        self.0.place(name)
    }

    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self.0.seal_keys().await
    }
}

impl Cell {
    pub(crate) fn is_read_only(&self) -> bool {
        self.shared.policy.read_only
    }

    /// Nothing can be bought here, at least at this moment.
    pub(crate) fn only_reads(&self) -> bool {
        self.is_read_only() || self.shared.refuses_writes()
    }

    /// What buys, writes or ends something is refused in a keeper that only reads.
    pub(crate) fn refuse_to_write(&self, operation: &'static str) -> Result<(), Error> {
        if !self.is_read_only() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported)
            .at(self.provider.id(), operation)
            .hint("this keeper only reads; do that in a process whose keeper may write the store"))
    }

    /// In the place of a renewal: looks whether a sibling has bought the next token, and appoints the
    /// next look.
    pub(crate) fn look_for_next(self: &Arc<Self>) {
        let now = self.shared.now();
        {
            let mut core = self.core();
            let Some((wish, ..)) = core.appointment else { return };
            let span = match wish.purpose {
                Purpose::Renew { life, expires_at } if expires_at > now.wall => {
                    (life / 20).clamp(POLL.0, POLL.1)
                }
                // From here on callers look for themselves.
                _ => {
                    core.appointment = None;
                    return;
                }
            };
            let next = now.mono.after(span);
            core.appointment = Some((wish, now.wall.after(span), next));
            if !self.shared.policy.pull {
                self.shared.queue().schedule(self.slot(), next);
            }
        }
        self.peek();
    }

    /// Looks at the store in the background.
    pub(crate) fn peek(self: &Arc<Self>) {
        let fresh = self.reading().is_fresh(self.shared.clock.monotonic());
        if fresh || !self.is_not_read() {
            return;
        }
        let cell = Arc::clone(self);
        self.shared.spawn(async move {
            let deadline = cell.shared.clock.monotonic().after(cell.settings.deadline);
            if let Err(error) = cell.read_store(deadline).await {
                tracing::debug!(session = %cell.digest, %error, "the store could not be read");
            }
        });
    }

    /// What a caller hears who finds no token in the store.
    pub(crate) fn nothing_to_hand_out(&self) -> Error {
        Error::new(ErrorKind::NeedsSignIn)
            .at(self.provider.id(), "authorize")
            .with_recovery(Recovery::Retry)
            .hint("this keeper only reads, and the store holds no good token of this session")
    }
}
