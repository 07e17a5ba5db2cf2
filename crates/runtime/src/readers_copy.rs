//! The record for readers: written after the session's own, where the store has keys for them.
//!
//! It is written outside of the time of the session's own write, which must not fail for it. Where that does not come
//! about, the process that knows of it tries again; and whoever reads a session looks whether readers have the same,
//! since a process may have died between the two writes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_core::{
    Committed, Error, ErrorKind, Fence, Generation, RecordName, Revision, StoredKey, StoredRecord,
};
use countersign_seal::{Ended, Readers, Sealer, SessionRecord};

use crate::cell::Cell;
use crate::flight::Flight;
use crate::opener::read;
use crate::records::Records;
use crate::revoke_all::in_lanes;
use crate::shared::Shared;
use crate::wait::{Waited, wait};

/// How soon it is tried again, the first time; each further one waits twice as long.
const AGAIN: Duration = Duration::from_secs(5);

/// So often in all: ten minutes. After that the next writing or reading of the session makes up for it.
const TRIES: u32 = 8;

/// So many are written at one time in the background, however many sessions have none: exchanges go first.
const LANES: usize = 16;

/// Writes what readers get of `record`, if that is something else than they have. The session itself is
/// stored: a failure here is told to the log.
pub(crate) async fn write(
    shared: &Arc<Shared>,
    sealer: &Sealer,
    owner: &StoredKey,
    record: &SessionRecord,
    fence: Option<Fence>,
) -> bool {
    let Some(readers) = sealer.readers() else { return true };
    let written = renew(shared, readers, owner, record, fence).await;
    if let Err(error) = &written {
        let session = owner.digest();
        tracing::warn!(%session, %error, "what readers get of a session was not written");
    }
    written.is_ok()
}

async fn renew(
    shared: &Shared,
    readers: &Readers,
    owner: &StoredKey,
    record: &SessionRecord,
    fence: Option<Fence>,
) -> Result<(), Error> {
    let name = readers.name(&owner.digest());
    let there = shared.store.load(&name).await?;
    let copy = there.as_ref().and_then(|there| known(readers, &name, there));
    if copy == Some(says(record)) {
        return Ok(());
    }
    let expected = there.map_or(Revision::NONE, |there| there.revision);
    let bytes = readers.seal_of(owner, record)?;
    match shared.store.commit(&name, expected, fence, bytes).await? {
        Committed::Done(_) => Ok(()),
        // Under the lock there is nobody else: it was lost.
        Committed::Lost(_) => Err(Error::new(ErrorKind::Store)),
    }
}

type Says = (Option<Generation>, Option<Ended>);

/// What a reader learns from a record: of tokens that are only there to be revoked, nothing.
fn says(record: &SessionRecord) -> Says {
    let tokens = record.tokens.as_ref().filter(|_| record.ended.is_none());
    (tokens.map(|tokens| tokens.generation()), record.ended)
}

fn known(readers: &Readers, name: &RecordName, there: &StoredRecord) -> Option<Says> {
    let opened = readers.open_found(name, there.bytes.expose_bytes());
    opened.ok().map(|(_, copy)| says(&copy))
}

impl Flight {
    /// What this exchange has stored, for readers; still under its lock. An end may be written without: somebody else
    /// may write meanwhile, so that it is looked once more.
    pub(crate) async fn copy_for_readers(&mut self) {
        let Some(records) = &mut self.records else { return };
        if !std::mem::take(&mut records.copy_due) {
            return;
        }
        let cell = &self.cell;
        let fence = self.lock.as_ref().map(|lock| lock.fence());
        let unlocked = fence.is_none();
        let copying = Box::pin(async {
            let Ok(sealer) = cell.shared.sealer().await else { return false };
            write(&cell.shared, &sealer, &(&cell.key).into(), &records.session, fence).await
        });
        let clock = &*cell.shared.clock;
        let until = clock.monotonic().after(cell.shared.time_to_let_go(cell.exchange_deadline()));
        if wait(clock, copying, until).await != Waited::Came(true) || unlocked {
            catch_up(cell);
        }
    }
}

/// Looks in the background whether readers have what was just read of these sessions.
pub(crate) fn look_after<'a>(
    shared: &Arc<Shared>,
    read_now: impl Iterator<Item = (&'a Arc<Cell>, &'a Records)>,
) {
    if shared.policy.read_only || shared.is_closed() || !shared.keys.have_readers() {
        return;
    }
    let told = |(cell, records): (&Arc<Cell>, &Records)| {
        let says = says(&records.session);
        (says != (None, None)).then(|| (Arc::clone(cell), says))
    };
    let sessions: Vec<(Arc<Cell>, Says)> = read_now.filter_map(told).collect();
    if sessions.is_empty() {
        return;
    }
    let (shared, spawner) = (Arc::clone(shared), Arc::clone(shared));
    spawner.spawn_counted(async move {
        let Ok(sealer) = shared.sealer().await else { return };
        let Some(readers) = sealer.readers() else { return };
        let names: Vec<_> = sessions.iter().map(|(cell, _)| readers.name(&cell.digest)).collect();
        let Ok(found) = read(&*shared.store, &names).await else { return };
        let mut behind = Vec::new();
        for (((cell, says), name), found) in sessions.iter().zip(&names).zip(found) {
            let copy = found.ok().flatten().and_then(|there| known(readers, name, &there));
            if copy != Some(*says) {
                behind.push(Arc::clone(cell));
            }
        }
        drop(sessions);
        in_lanes(behind, LANES, |cell| async move {
            if let Some(copying) = Copying::begin(&cell)
                && !copying.tried().await
            {
                cell.shared.spawn(copying.go_on());
            }
        })
        .await;
    });
}

/// Has readers get what is stored of the session, in the background and a little later, until that comes about.
fn catch_up(cell: &Arc<Cell>) {
    if let Some(copying) = Copying::begin(cell) {
        cell.shared.spawn(copying.go_on());
    }
}

/// Somebody sees to it.
struct Copying(Arc<Cell>);

impl Drop for Copying {
    fn drop(&mut self) {
        self.0.with_awake(|core| core.copying = false);
    }
}

impl Copying {
    /// Nobody else does.
    fn begin(cell: &Arc<Cell>) -> Option<Self> {
        let before = std::mem::replace(&mut cell.core().copying, true);
        (!before).then(|| Self(Arc::clone(cell)))
    }

    /// Tries it once; whether there is nothing more to do.
    async fn tried(&self) -> bool {
        let cell = &self.0;
        if cell.shared.is_closed() {
            // Whoever reads the session next makes up for it.
            return true;
        }
        let copied = cell.in_time(2, cell.copy_again()).await;
        if let Err(error) = &copied {
            tracing::debug!(session = %cell.digest, %error, "readers do not have it yet");
        }
        copied.is_ok()
    }

    /// Tries it again, later and later. Not counted as under way: a keeper that shuts down waits for no pause, and the
    /// clock begins renewals meanwhile.
    async fn go_on(self) {
        let shared = Arc::clone(&self.0.shared);
        let clock = &*shared.clock;
        let mut pause = AGAIN;
        let mut tries = 0;
        while tries < TRIES {
            wait(clock, std::future::pending::<()>(), clock.monotonic().after(pause)).await;
            if shared.is_closed() {
                return;
            }
            let Some(_lane) = Lane::take(&shared) else { continue };
            if self.tried().await {
                return;
            }
            tries += 1;
            pause *= 2;
        }
    }
}

/// One of the few that write at one time.
struct Lane<'a>(&'a Shared);

impl<'a> Lane<'a> {
    fn take(shared: &'a Shared) -> Option<Self> {
        let taken = shared.copies.fetch_add(1, Ordering::AcqRel);
        let lane = Self(shared);
        (taken < LANES).then_some(lane)
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.0.copies.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Cell {
    async fn copy_again(&self) -> Result<(), Error> {
        let lock = self.account_lock().await?;
        let copied = async {
            let sealer = self.shared.sealer().await?;
            let Some(readers) = sealer.readers() else { return Ok(()) };
            let records = Records::load(self).await?;
            let (owner, fence) = ((&self.key).into(), Some(lock.fence()));
            renew(&self.shared, readers, &owner, &records.session, fence).await
        };
        let copied = copied.await;
        self.let_go(lock).await;
        copied
    }
}
