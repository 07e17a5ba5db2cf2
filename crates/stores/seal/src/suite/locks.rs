//! Locks and their fencing numbers.

use std::time::Duration;

use countersign_core::{Committed, ErrorKind, Recovery, Revision, SessionStore};

use super::{Failure, LEASE, bytes, clear, ensure, fresh_name, get, holds, put, take};

/// A lock is held by one, in one process too; whoever comes later is told to try again; once it is let
/// go or dropped it can be taken, with a higher fencing number.
///
/// # Errors
/// What the store did instead; so do all cases.
pub async fn a_lock_excludes_others_until_it_is_let_go(
    store: &dyn SessionStore,
) -> Result<(), Failure> {
    let name = fresh_name()?;
    let mut lock = take(store, &name).await?;
    let first = lock.fence().number();
    ensure(lock.held_for(Duration::from_secs(1)), "a fresh lock is not held for a second")?;
    let Err(refusal) = store.lock(&name, LEASE, Duration::ZERO).await else {
        return Err(Failure::new("a lock was given to two"));
    };
    ensure(refusal.kind() == ErrorKind::Store, "a lock that is held is another error than Store")?;
    ensure(refusal.recovery() == Recovery::Retry, "a lock that is held is not to be tried again")?;
    ensure(lock.renew(LEASE).await, "a lock that is held cannot be renewed")?;
    lock.release().await;

    let lock = take(store, &name).await?;
    let second = lock.fence().number();
    ensure(second > first, "the second lock has no higher fencing number")?;
    drop(lock);
    let lock = take(store, &name).await?;
    ensure(lock.fence().number() > second, "the third lock has no higher fencing number")?;
    lock.release().await;
    Ok(())
}

/// Two records are locked at the same time.
///
/// # Errors
/// See [`a_lock_excludes_others_until_it_is_let_go`].
pub async fn locks_of_two_names_are_apart(store: &dyn SessionStore) -> Result<(), Failure> {
    let (one, two) = (fresh_name()?, fresh_name()?);
    let first = take(store, &one).await?;
    let second = take(store, &two).await?;
    ensure(
        first.held_for(Duration::from_secs(1)) && second.held_for(Duration::from_secs(1)),
        "the lock of one record ended that of another",
    )?;
    first.release().await;
    second.release().await;
    Ok(())
}

/// Who lost the lock writes nothing any more, even with the right revision.
///
/// # Errors
/// See [`a_lock_excludes_others_until_it_is_let_go`].
pub async fn a_write_with_an_outdated_fence_is_refused(
    store: &dyn SessionStore,
) -> Result<(), Failure> {
    let name = fresh_name()?;
    let revision = put(store, &name, Revision::NONE, "before").await?;
    let lock = take(store, &name).await?;
    let outdated = lock.fence();
    lock.release().await;
    let lock = take(store, &name).await?;

    let late = store.commit(&name, revision, Some(outdated), bytes("late")).await?;
    let Committed::Lost(Some(winner)) = late else {
        return Err(Failure::new("a write with an outdated fencing number was not refused"));
    };
    ensure(winner.revision == revision, "a refused write changed the revision")?;
    let done = store.commit(&name, revision, Some(lock.fence()), bytes("after")).await?;
    ensure(matches!(done, Committed::Done(_)), "the holder of the lock cannot write")?;
    ensure(holds(&get(store, &name).await?, "after"), "the holder's write was not kept")?;
    lock.release().await;
    clear(store, &name).await
}
