//! What the cases share.

use std::time::Duration;

use countersign_core::{
    Committed, Lock, Origin, ProviderId, Realm, RecordName, Revision, SecretBytes, SessionKey,
    SessionStore, StoredRecord,
};

use super::{Failure, Subject};
use crate::{Sealer, SessionRecord};

pub(super) const PROVIDER: ProviderId = ProviderId::new("suite");

pub(super) const NO_TIME: &str = "no way to let time pass was given";

pub(super) fn ensure(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(otherwise)) }
}

/// A name that nobody else uses.
pub(super) fn fresh_name() -> Result<RecordName, Failure> {
    let mut hash = [0; 16];
    getrandom::fill(&mut hash)
        .map_err(|_| Failure::new("the system gives no random bytes for a name"))?;
    Ok(RecordName::from_hash(hash))
}

/// The realm of all sessions of the suite.
pub(super) fn realm() -> Result<Realm, Failure> {
    Ok(Realm::new(Origin::parse("https://suite.example")?))
}

/// A session that nobody else has.
pub(super) fn fresh_key() -> Result<SessionKey, Failure> {
    Ok(SessionKey::new(PROVIDER, &realm()?, &format!("suite-{}", fresh_name()?)))
}

pub(super) async fn sealer(store: &dyn SessionStore) -> Result<Sealer, Failure> {
    Ok(Sealer::new(store.seal_keys().await?)?)
}

/// A record that is told from others by its count.
pub(super) fn counted(counter: u64) -> SessionRecord {
    SessionRecord { counter, ..SessionRecord::default() }
}

pub(super) fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

pub(super) fn holds(record: &StoredRecord, text: &str) -> bool {
    record.bytes.matches(&bytes(text))
}

/// Writes without a fence; a write that loses is a failure.
pub(super) async fn put(
    store: &dyn SessionStore,
    name: &RecordName,
    expected: Revision,
    text: &str,
) -> Result<Revision, Failure> {
    write(store, name, expected, bytes(text)).await
}

/// The same with any bytes.
pub(super) async fn write(
    store: &dyn SessionStore,
    name: &RecordName,
    expected: Revision,
    bytes: SecretBytes,
) -> Result<Revision, Failure> {
    match store.commit(name, expected, None, bytes).await? {
        Committed::Done(revision) => Ok(revision),
        Committed::Lost(_) => Err(Failure::new("a write to the right revision lost")),
    }
}

/// The record, which must be there.
pub(super) async fn get(
    store: &dyn SessionStore,
    name: &RecordName,
) -> Result<StoredRecord, Failure> {
    let record = store.load(name).await?;
    record.ok_or_else(|| Failure::new("a record that was written is not there"))
}

/// Removes what a case wrote.
pub(super) async fn clear(store: &dyn SessionStore, name: &RecordName) -> Result<(), Failure> {
    let revision = get(store, name).await?.revision;
    ensure(store.remove(name, revision).await?, "a record could not be removed")
}

/// Takes a lock that nobody holds.
pub(super) async fn take(
    on: &Subject<'_>,
    store: &dyn SessionStore,
    name: &RecordName,
) -> Result<Box<dyn Lock>, Failure> {
    Ok(store.lock(name, on.lease, Duration::ZERO).await?)
}

/// Nobody else gets the lock now.
pub(super) async fn ensure_taken(
    on: &Subject<'_>,
    name: &RecordName,
    otherwise: &str,
) -> Result<(), Failure> {
    ensure(on.store.lock(name, on.lease, Duration::ZERO).await.is_err(), otherwise)
}

/// Lets others go on.
pub(super) async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
