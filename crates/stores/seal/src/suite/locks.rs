//! Locks and their fencing numbers.

use std::time::Duration;

use countersign_core::{Committed, ErrorKind, Recovery, Revision};

use super::bench::{bytes, clear, ensure, fresh_name, get, holds, put, take};
use super::report::Verdict;
use super::{Failure, Subject};

/// A lock is held by one, in one process too; whoever comes later is told to try again; once it is let
/// go or dropped it can be taken, with a higher fencing number.
pub(super) async fn a_lock_excludes_others_until_it_is_let_go(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let mut lock = take(on, store, &name).await?;
    let first = lock.fence().number();
    ensure(lock.held_for(on.lease / 4), "a fresh lock is not held for a quarter of its lease")?;
    let Err(refusal) = store.lock(&name, on.lease, Duration::ZERO).await else {
        return Err(Failure::new("a lock was given to two"));
    };
    ensure(refusal.kind() == ErrorKind::Store, "a lock that is held is another error than Store")?;
    ensure(refusal.recovery() == Recovery::Retry, "a lock that is held is not to be tried again")?;
    ensure(lock.renew(on.lease).await, "a lock that is held cannot be renewed")?;
    lock.release().await;

    let lock = take(on, store, &name).await?;
    let second = lock.fence().number();
    ensure(second > first, "the second lock has no higher fencing number")?;
    drop(lock);
    let lock = take(on, store, &name).await?;
    ensure(lock.fence().number() > second, "the third lock has no higher fencing number")?;
    lock.release().await;
    Ok(Verdict::Passed)
}

/// Two records are locked at the same time.
pub(super) async fn locks_of_two_names_are_apart(on: &Subject<'_>) -> Result<Verdict, Failure> {
    let store = on.store;
    let (one, two) = (fresh_name()?, fresh_name()?);
    let first = take(on, store, &one).await?;
    let second = take(on, store, &two).await?;
    ensure(
        first.held_for(Duration::ZERO) && second.held_for(Duration::ZERO),
        "the lock of one record ended that of another",
    )?;
    first.release().await;
    second.release().await;
    Ok(Verdict::Passed)
}

/// Who lost the lock writes nothing any more, even with the right revision.
pub(super) async fn a_write_with_an_outdated_fence_is_refused(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let name = fresh_name()?;
    let revision = put(store, &name, Revision::NONE, "before").await?;
    let lock = take(on, store, &name).await?;
    let outdated = lock.fence();
    lock.release().await;
    let lock = take(on, store, &name).await?;

    let late = store.commit(&name, revision, Some(outdated), bytes("late")).await?;
    let Committed::Lost(Some(winner)) = late else {
        return Err(Failure::new("a write with an outdated fencing number was not refused"));
    };
    ensure(winner.revision == revision, "a refused write changed the revision")?;
    let done = store.commit(&name, revision, Some(lock.fence()), bytes("after")).await?;
    ensure(matches!(done, Committed::Done(_)), "the holder of the lock cannot write")?;
    ensure(holds(&get(store, &name).await?, "after"), "the holder's write was not kept")?;
    lock.release().await;
    clear(store, &name).await?;
    Ok(Verdict::Passed)
}

/// The lock of an account guards the records of its sessions: who lost it writes none of them, also with the
/// right revision, and nobody is hindered by a lock of another name.
pub(super) async fn a_fence_guards_records_of_other_names(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let store = on.store;
    let (account, session) = (fresh_name()?, fresh_name()?);
    let revision = put(store, &session, Revision::NONE, "before").await?;
    let lock = take(on, store, &account).await?;
    let outdated = lock.fence();
    ensure(*outdated.lock() == account, "a fence does not name its lock")?;
    lock.release().await;
    let lock = take(on, store, &account).await?;
    let own = take(on, store, &session).await?;
    let late = store.commit(&session, revision, Some(outdated), bytes("late")).await?;
    ensure(
        matches!(late, Committed::Lost(Some(_))),
        "a write under an outdated lock of another name was not refused",
    )?;
    let done = store.commit(&session, revision, Some(lock.fence()), bytes("after")).await?;
    ensure(
        matches!(done, Committed::Done(_)),
        "the holder of the account's lock cannot write a session",
    )?;
    own.release().await;
    lock.release().await;
    clear(store, &session).await?;
    Ok(Verdict::Passed)
}
