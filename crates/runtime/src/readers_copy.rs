//! The record for readers: written after the session's own, where the store has keys for them.

use std::sync::Arc;

use countersign_core::{Error, Fence, Revision, StoredKey};
use countersign_seal::{Readers, Sealer, SessionRecord};

use crate::shared::Shared;

/// Writes what readers get of `record`, if that is something else than they have. The session itself is
/// stored: a failure here is told to the log, and the next write makes up for it.
pub(crate) async fn write(
    shared: &Arc<Shared>,
    sealer: &Sealer,
    owner: &StoredKey,
    record: &SessionRecord,
    fence: Option<Fence>,
) {
    let Some(readers) = sealer.readers() else { return };
    // What still has to be revoked is nothing for readers.
    let ended = record.ended.is_some().then(|| SessionRecord {
        tokens: None,
        ended: record.ended,
        counter: record.counter,
        ..SessionRecord::default()
    });
    let record = ended.as_ref().unwrap_or(record);
    if let Err(error) = renew(shared, readers, owner, record, fence).await {
        let session = owner.digest();
        tracing::warn!(%session, %error, "what readers get of a session was not written");
    }
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
    let says = |record: &SessionRecord| {
        (record.tokens.as_ref().map(|tokens| tokens.generation()), record.ended)
    };
    let known = there.as_ref().and_then(|there| {
        readers.open_found(&name, there.bytes.expose_bytes()).ok().map(|(_, copy)| says(&copy))
    });
    if known == Some(says(record)) {
        return Ok(());
    }
    let expected = there.map_or(Revision::NONE, |there| there.revision);
    let bytes = readers.seal_of(owner, record)?;
    // Whoever was first has written something newer: under the lock there is nobody else.
    shared.store.commit(&name, expected, fence, bytes).await.map(drop)
}
