//! The public test suite for stores: what every [`SessionStore`] must do, whatever is behind it.
//!
//! ```no_run
//! # async fn example(store: &dyn countersign_core::SessionStore) {
//! countersign_seal::suite::run(store).await.unwrap();
//! # }
//! ```
//!
//! The cases use names drawn at random and remove what they wrote, so they can run against a store
//! that is in use. None waits for a lock longer than it takes to ask, so that a store with a clock
//! that stands still passes.

mod keys;
mod locks;
mod records;
mod writers;

use std::fmt;
use std::time::Duration;

use countersign_core::{
    Committed, Error, Lock, RecordName, Revision, SecretBytes, SessionStore, StoredRecord,
};

pub use keys::seal_keys_open_what_they_sealed;
pub use locks::{
    a_lock_excludes_others_until_it_is_let_go, a_write_with_an_outdated_fence_is_refused,
    locks_of_two_names_are_apart,
};
pub use records::{
    a_name_without_a_record_has_none, a_record_that_is_set_aside_makes_room,
    a_removed_record_does_not_fit_its_old_revision, a_write_raises_the_revision,
    a_write_to_an_outdated_revision_loses, list_names_every_record, load_many_keeps_the_order,
    removal_needs_the_revision,
};
pub use writers::no_write_of_many_is_lost;

/// Runs every case, one after the other.
///
/// # Errors
/// The first case that fails.
pub async fn run(store: &dyn SessionStore) -> Result<(), Failure> {
    a_name_without_a_record_has_none(store).await?;
    a_write_raises_the_revision(store).await?;
    a_write_to_an_outdated_revision_loses(store).await?;
    removal_needs_the_revision(store).await?;
    a_removed_record_does_not_fit_its_old_revision(store).await?;
    a_record_that_is_set_aside_makes_room(store).await?;
    list_names_every_record(store).await?;
    load_many_keeps_the_order(store).await?;
    a_lock_excludes_others_until_it_is_let_go(store).await?;
    locks_of_two_names_are_apart(store).await?;
    a_write_with_an_outdated_fence_is_refused(store).await?;
    no_write_of_many_is_lost(store).await?;
    seal_keys_open_what_they_sealed(store).await
}

/// What a store did that it must not do. It never holds a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure(Box<str>);

impl Failure {
    fn new(what: impl Into<Box<str>>) -> Self {
        Self(what.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("an operation that must succeed failed: {error}").into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// A lease that no case outlives.
const LEASE: Duration = Duration::from_secs(60);

fn ensure(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(otherwise)) }
}

/// A name that nobody else uses.
fn fresh_name() -> Result<RecordName, Failure> {
    let mut hash = [0; 16];
    getrandom::fill(&mut hash)
        .map_err(|_| Failure::new("the system gives no random bytes for a name"))?;
    Ok(RecordName::from_hash(hash))
}

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::copy_from(text.as_bytes())
}

fn holds(record: &StoredRecord, text: &str) -> bool {
    record.bytes.matches(&bytes(text))
}

/// Writes without a fence; a write that loses is a failure.
async fn put(
    store: &dyn SessionStore,
    name: &RecordName,
    expected: Revision,
    text: &str,
) -> Result<Revision, Failure> {
    match store.commit(name, expected, None, bytes(text)).await? {
        Committed::Done(revision) => Ok(revision),
        Committed::Lost(_) => Err(Failure::new("a write to the right revision lost")),
    }
}

/// The record, which must be there.
async fn get(store: &dyn SessionStore, name: &RecordName) -> Result<StoredRecord, Failure> {
    let record = store.load(name).await?;
    record.ok_or_else(|| Failure::new("a record that was written is not there"))
}

/// Removes what a case wrote.
async fn clear(store: &dyn SessionStore, name: &RecordName) -> Result<(), Failure> {
    let revision = get(store, name).await?.revision;
    ensure(store.remove(name, revision).await?, "a record could not be removed")
}

/// Takes a lock that nobody holds.
async fn take(store: &dyn SessionStore, name: &RecordName) -> Result<Box<dyn Lock>, Failure> {
    Ok(store.lock(name, LEASE, Duration::ZERO).await?)
}
