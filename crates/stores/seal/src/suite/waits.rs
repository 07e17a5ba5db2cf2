//! Waiting for a lock that somebody else holds.

use std::pin::pin;
use std::time::Duration;

use countersign_core::{Committed, ErrorKind, RecordName, Recovery, Revision, SessionStore};
use futures_util::future::{Either, join, select, try_join_all};

use super::bench::{NO_TIME, bytes, clear, ensure, fresh_name, get, put, take, yield_once};
use super::report::Verdict;
use super::{Failure, Subject};

const WAITING: u32 = 6;
const TURNS: u32 = 1_000;
const PATIENCE: Duration = Duration::from_millis(200);

/// Who waits gets the lock when its holder lets it go.
pub(super) async fn a_waiting_lock_is_given_when_it_is_let_go(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let name = fresh_name()?;
    let lock = take(on, on.store, &name).await?;
    let first = lock.fence().number();
    let waiting = on.second.lock(&name, on.lease, on.lease * 2);
    let waited = bounded(on, join(waiting, lock.release())).await?.0;
    let Ok(waited) = waited else {
        return Err(Failure::new("a lock that was let go was not given to who waited"));
    };
    ensure(waited.fence().number() > first, "a lock that was waited for has no higher number")?;
    waited.release().await;
    Ok(Verdict::Passed)
}

/// Of many that want one lock each gets it, one after the other: what is read under it is still there when it
/// is written.
pub(super) async fn many_that_wait_come_one_after_the_other(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    let (account, name) = (fresh_name()?, fresh_name()?);
    put(on.store, &name, Revision::NONE, "0").await?;
    let stores = [on.store, on.second].into_iter().cycle().take(WAITING as usize);
    let all = try_join_all(stores.map(|store| add_one(on, store, &account, &name)));
    bounded(on, all).await??;
    let record = get(on.store, &name).await?;
    ensure(record.bytes.matches(&bytes(&WAITING.to_string())), "a write under a lock was lost")?;
    clear(on.store, &name).await?;
    Ok(Verdict::Passed)
}

/// What `waiting` comes to. It needs no time, only turns: if it has none after many, time passes until every
/// wait is over.
async fn bounded<T>(on: &Subject<'_>, waiting: impl Future<Output = T>) -> Result<T, Failure> {
    let over = async {
        turns().await;
        if on.pass(on.lease * 4).await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    match select(pin!(waiting), pin!(over)).await {
        Either::Left((ended, _)) => Ok(ended),
        // Its own bound has come; that is told in a few turns.
        Either::Right(((), waiting)) => match select(waiting, pin!(turns())).await {
            Either::Left((ended, _)) => Ok(ended),
            Either::Right(_) => Err(Failure::new("a wait for a lock has no end")),
        },
    }
}

async fn turns() {
    for _ in 0..TURNS {
        yield_once().await;
    }
}

async fn add_one(
    on: &Subject<'_>,
    store: &dyn SessionStore,
    account: &RecordName,
    name: &RecordName,
) -> Result<(), Failure> {
    let lock = store.lock(account, on.lease, on.lease * 2).await?;
    let record = get(store, name).await?;
    let counted = std::str::from_utf8(record.bytes.expose_bytes()).ok();
    let next = counted.and_then(|text| text.parse::<u32>().ok()).map_or(0, |number| number + 1);
    let next = bytes(&next.to_string());
    let end = store.commit(name, record.revision, Some(lock.fence()), next).await?;
    ensure(matches!(end, Committed::Done(_)), "somebody wrote under a lock that we hold")?;
    lock.release().await;
    Ok(())
}

/// A wait has its bound, and who waited in vain is told by whom the lock is held, where that is known.
pub(super) async fn a_wait_for_a_lock_ends_and_names_its_holder(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    if !on.time_passes() {
        return Ok(Verdict::left_out(NO_TIME));
    }
    let name = fresh_name()?;
    let lock = on.store.lock(&name, on.lease + PATIENCE * 4, Duration::ZERO).await?;
    let waiting = on.second.lock(&name, on.lease, PATIENCE);
    let (waited, _) = bounded(on, join(waiting, on.pass(PATIENCE * 2))).await?;
    let Err(refusal) = waited else {
        return Err(Failure::new("a lock was given to two after a wait"));
    };
    ensure(
        (refusal.kind(), refusal.recovery()) == (ErrorKind::Store, Recovery::Retry),
        "a wait in vain is another error than one of the store that can be tried again",
    )?;
    let hint = refusal.hint_text();
    ensure(!hint.is_empty(), "a wait in vain has no hint")?;
    if let Some(holder) = &on.holder {
        ensure(hint.contains(&**holder), "a wait in vain does not name the holder")?;
    }
    ensure(lock.held_for(Duration::ZERO), "a wait in vain ended the lock")?;
    lock.release().await;
    Ok(Verdict::Passed)
}
