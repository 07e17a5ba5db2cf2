//! A lock with a lease, and what becomes of one that nobody let go.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Error, Fence, Lock, Monotonic, RecordName, Timestamp};
use data_encoding::HEXLOWER;

use crate::link::Ask;
use crate::shared::{Shared, number};
use crate::{fault, scripts};

/// How long a fencing number is remembered after its lease. A write under a number that is forgotten is
/// refused, so this is no danger, only the longest pause after which a holder may still write.
const AFTERLIFE: Duration = Duration::from_secs(24 * 3600);

/// How long one who waits for a lock pauses.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long a lock under which a write has failed stays when the server is reached again: its process may
/// have tokens that it could not save, and comes first to save them. Others would find a mark of which
/// nobody knows what became.
const HEAD_START: Duration = Duration::from_secs(1);

/// When a lease ends, by both clocks: the monotonic one stands still while a machine sleeps, the wall
/// clock may be set back.
#[derive(Clone, Copy, Debug)]
struct Lease {
    monotonic: Monotonic,
    wall: Timestamp,
}

/// A taking of a lock, wanted or done. Dropped, it is let go.
struct Taking {
    shared: Arc<Shared>,
    name: RecordName,
    token: Box<str>,
    lease: Lease,
    /// Nothing is held.
    over: bool,
    /// It may have been sent, and was not answered: then it can still arrive.
    unsure: bool,
    /// Its fencing number, once it is held.
    fence: Option<u64>,
}

/// A lock that is held.
pub(crate) struct RedisLock {
    taking: Taking,
    fence: Fence,
}

impl RedisLock {
    /// Takes the lock `name`, waiting at most `wait` for another holder.
    pub(crate) async fn take(
        shared: &Arc<Shared>,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Self, Error> {
        let clock = shared.link.clock();
        let end = clock.monotonic().after(wait);
        // Also who does not want to wait for a holder waits for the server.
        let until = end.max(clock.monotonic().after(shared.link.answer()));
        let mut pauses = crate::wait::Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let mut taking = Taking::new(shared, name, lease)?;
            let dropped = shared.dropped().get(name).cloned().unwrap_or_default();
            let call = scripts::lock()
                .key(shared.names.lock(name))
                .arg(&*taking.token)
                .number(lease.as_millis())
                .number(AFTERLIFE.as_millis())
                .arg(&*shared.holder)
                .arg(&*dropped);
            let answer = shared.link.ask(Ask::Script(&call), until).await?;
            taking.unsure = false;
            let (left, holder) = match shared.array(answer.value)?.as_slice() {
                [taken, fence] if number(taken) == Some(1) => {
                    let fence = number(fence).ok_or_else(|| shared.unexpected())?;
                    shared.superseded(name, &dropped);
                    taking.fence = Some(fence);
                    return Ok(Self { taking, fence: Fence::new(name.clone(), fence) });
                }
                [taken, left, holder] if number(taken) == Some(0) => {
                    (number(left).unwrap_or(0), crate::shared::text(holder))
                }
                _ => return Err(shared.unexpected()),
            };
            taking.over = true;
            let (left, now) = (Duration::from_millis(left), clock.monotonic());
            if now >= end {
                return Err(fault::locked(&holder.unwrap_or_else(|| "somebody else".into()), left));
            }
            clock.sleep_until(now.after(pauses.next().min(left)).min(end)).await;
        }
    }
}

#[async_trait]
impl Lock for RedisLock {
    fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Counted from before the lock was asked for, by both clocks.
    fn held_for(&self, span: Duration) -> bool {
        let (clock, lease) = (self.taking.shared.link.clock(), self.taking.lease);
        clock.monotonic().after(span) <= lease.monotonic && clock.now().after(span) <= lease.wall
    }

    async fn renew(&mut self, lease: Duration) -> bool {
        let shared = Arc::clone(&self.taking.shared);
        let renewed = Lease::from_now(&shared, lease);
        let call = scripts::renew()
            .key(shared.names.lock(&self.taking.name))
            .arg(&*self.taking.token)
            .number(lease.as_millis())
            .number(AFTERLIFE.as_millis());
        let answer = shared.link.ask(Ask::Script(&call), shared.until()).await;
        let held = answer.is_ok_and(|answer| number(&answer.value) == Some(1));
        if held {
            self.taking.lease = renewed;
        }
        held
    }

    async fn release(mut self: Box<Self>) {
        let shared = Arc::clone(&self.taking.shared);
        let until = shared.link.clock().monotonic().after(shared.link.answer());
        let heard = let_go(&shared, &self.taking.name, &self.taking.token, until).await;
        self.taking.over = heard.is_ok();
    }
}

impl Lease {
    fn from_now(shared: &Shared, lease: Duration) -> Self {
        let clock = shared.link.clock();
        Self { monotonic: clock.monotonic().after(lease), wall: clock.now().after(lease) }
    }
}

impl Taking {
    fn new(shared: &Arc<Shared>, name: &RecordName, lease: Duration) -> Result<Self, Error> {
        Ok(Self {
            shared: Arc::clone(shared),
            name: name.clone(),
            token: token()?,
            lease: Lease::from_now(shared, lease),
            over: false,
            unsure: true,
            fence: None,
        })
    }
}

impl Drop for Taking {
    /// Whoever comes next in this process need not wait until the server has heard of it, and others not
    /// for the end of the lease.
    fn drop(&mut self) {
        let unsaved = self.fence.is_some_and(|fence| self.shared.has_failed(fence));
        if self.over {
            return;
        }
        self.shared.dropped().insert(self.name.clone(), self.token.clone());
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (shared, name, token) =
            (Arc::clone(&self.shared), self.name.clone(), self.token.clone());
        let (end, mut unsure) = (self.lease.monotonic, self.unsure);
        runtime.spawn(async move {
            let clock = shared.link.clock();
            let mut pauses = crate::wait::Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
            loop {
                let until = clock.monotonic().after(shared.link.answer());
                let pause = match let_go(&shared, &name, &token, until).await {
                    Ok(held) if held || !unsure => break,
                    // Its request may be on its way, and can still arrive.
                    Ok(_) => HEAD_START,
                    // Refused, as every further try would be: its lease ends it.
                    Err(error) if !error.is_transient() => break,
                    Err(_) => {
                        unsure = true;
                        if !shared.is_back(end).await {
                            break;
                        }
                        if unsaved { HEAD_START } else { pauses.next() }
                    }
                };
                if clock.monotonic() >= end || shared.dropped().get(&name) != Some(&token) {
                    break;
                }
                clock.sleep_until(clock.monotonic().after(pause)).await;
            }
            let mut dropped = shared.dropped();
            if dropped.get(&name) == Some(&token) {
                dropped.remove(&name);
            }
        });
    }
}

/// Tells the server that the lock is let go; true if it was held.
async fn let_go(
    shared: &Shared,
    name: &RecordName,
    token: &str,
    until: Monotonic,
) -> Result<bool, Error> {
    let call =
        scripts::release().key(shared.names.lock(name)).arg(token).number(AFTERLIFE.as_millis());
    let answer = shared.link.ask(Ask::Script(&call), until).await?;
    Ok(number(&answer.value) == Some(1))
}

/// What nobody else has.
pub(crate) fn token() -> Result<Box<str>, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| fault::no_randomness())?;
    Ok(HEXLOWER.encode(&bytes).into())
}
