//! Leases: what ends by time, and what does not.

use std::time::Duration;

use super::bench::{NO_TIME, ensure, ensure_taken, fresh_name, take};
use super::report::Verdict;
use super::{Failure, Subject};

/// Why a case about leases cannot run.
pub(super) fn unleased(on: &Subject<'_>) -> Option<Verdict> {
    match on.no_lease {
        Some(why) => Some(Verdict::left_out(why)),
        None if !on.time_passes() => Some(Verdict::left_out(NO_TIME)),
        None => None,
    }
}

/// A lease ends by itself; the next holder has a higher number, and whoever slept through the end neither
/// lengthens nor releases anything.
pub(super) async fn a_lease_ends_and_its_holder_is_nobody_then(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    if let Some(verdict) = unleased(on) {
        return Ok(verdict);
    }
    let name = fresh_name()?;
    let mut slept = take(on, on.store, &name).await?;
    ensure(!slept.held_for(on.lease * 2), "a lock is held for longer than its lease")?;
    on.pass(on.lease * 5 / 4).await;
    ensure(!slept.held_for(Duration::ZERO), "a lock is held after the end of its lease")?;
    let lock = take(on, on.second, &name).await?;
    ensure(
        lock.fence().number() > slept.fence().number(),
        "a lock that was taken after the end of a lease has no higher number",
    )?;
    ensure(!slept.held_for(Duration::ZERO), "a lock that another has taken is held by two")?;
    ensure(!slept.renew(on.lease).await, "a lock that another has taken was renewed")?;
    ensure(lock.held_for(Duration::ZERO), "a renewal that was refused ended the lock")?;
    slept.release().await;
    ensure_taken(on, &name, "a lock was released by who had lost it").await?;
    ensure(lock.held_for(Duration::ZERO), "a lock was ended by who had lost it")?;

    // Also by letting it fall.
    let slept = lock;
    on.pass(on.lease * 5 / 4).await;
    let lock = take(on, on.store, &name).await?;
    drop(slept);
    ensure_taken(on, &name, "a lock was released by who let one fall that was lost").await?;
    lock.release().await;
    Ok(Verdict::Passed)
}

/// A renewal counts from now, and then the lease ends all the same.
pub(super) async fn a_renewed_lease_lasts(on: &Subject<'_>) -> Result<Verdict, Failure> {
    if let Some(verdict) = unleased(on) {
        return Ok(verdict);
    }
    let name = fresh_name()?;
    let mut lock = take(on, on.store, &name).await?;
    ensure(lock.renew(on.lease * 4).await, "a lock that is held cannot be renewed")?;
    ensure(lock.held_for(on.lease * 2), "a renewal did not lengthen the lease")?;
    on.pass(on.lease * 5 / 4).await;
    ensure(lock.held_for(Duration::ZERO), "a lock that was renewed ended with its first lease")?;
    ensure_taken(on, &name, "a lock that was renewed was given to two").await?;
    on.pass(on.lease * 4).await;
    let next = take(on, on.second, &name).await?;
    ensure(!lock.held_for(Duration::ZERO), "a renewed lock has no end")?;
    next.release().await;
    Ok(Verdict::Passed)
}

/// Where locks have no lease, one is held until it is let go, however short the lease that was asked for.
pub(super) async fn a_lock_without_a_lease_stays(on: &Subject<'_>) -> Result<Verdict, Failure> {
    if on.no_lease.is_none() {
        return Ok(Verdict::left_out("locks of this store have a lease"));
    }
    let name = fresh_name()?;
    let brief = Duration::from_millis(1);
    let lock = on.store.lock(&name, brief, Duration::ZERO).await?;
    if on.pass(brief * 20).await.is_none() {
        return Ok(Verdict::left_out(NO_TIME));
    }
    ensure(lock.held_for(on.lease), "a lock without a lease has an end")?;
    ensure_taken(on, &name, "a lock without a lease was given to two").await?;
    drop(lock);
    take(on, on.second, &name).await?.release().await;
    Ok(Verdict::Passed)
}
