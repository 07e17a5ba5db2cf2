//! Reading the store for all who need it: one reading at a time, whoever goes away.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::{Error, ErrorKind, Monotonic};

use crate::caught::caught;
use crate::cell::Cell;
use crate::inner::Core;
use crate::readers_copy;
use crate::records::Records;
use crate::sync::{Mutex, MutexGuard};
use crate::wait::{Waited, wait};

/// What was read within this is not read again for somebody who has found nothing in it.
const FRESH: Duration = Duration::from_secs(1);

/// The readings of a session without a lock. Only sessions that were opened without reading, put to
/// rest, or belong to a keeper that only reads, have any.
#[derive(Debug, Default)]
pub(crate) struct Reading(Mutex<Option<Box<State>>>);

#[derive(Debug, Default)]
struct State {
    under_way: bool,
    /// How many have ended.
    count: u64,
    /// How the last one ended.
    failed: Option<Error>,
    at: Option<Monotonic>,
}

impl Reading {
    fn state(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, unless somebody reads; else how many have ended so far.
    fn begin(&self) -> Result<(), u64> {
        let mut state = self.state();
        let state = state.get_or_insert_default();
        if state.under_way {
            return Err(state.count);
        }
        state.under_way = true;
        Ok(())
    }

    fn ended_since(&self, count: u64) -> Option<Result<(), Error>> {
        let state = self.state();
        let state = state.as_ref().filter(|state| state.count != count)?;
        Some(state.failed.clone().map_or(Ok(()), Err))
    }

    /// Nobody reads at this moment.
    pub(crate) fn is_idle(&self) -> bool {
        self.state().as_ref().is_none_or(|state| !state.under_way)
    }

    /// Whether the store was read a moment ago.
    pub(crate) fn is_fresh(&self, now: Monotonic) -> bool {
        let state = self.state();
        let at = state.as_ref().filter(|state| state.failed.is_none()).and_then(|state| state.at);
        at.is_some_and(|at| now.since(at) < FRESH)
    }
}

/// Reads for all, and hands that on if it goes: then whoever waits is told, and must not find it reading.
struct Leader<'a>(&'a Cell);

impl Leader<'_> {
    fn end(self, how: &Result<(), Error>, now: Monotonic) {
        if let Some(state) = &mut *self.0.reading().state() {
            state.count += 1;
            state.failed = how.as_ref().err().cloned();
            state.at = Some(now);
        }
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if let Some(state) = &mut *self.0.reading().state() {
            state.under_way = false;
        }
        self.0.notify_waiters();
    }
}

impl Cell {
    /// Reads the store and tells the machine, or waits for whoever does.
    pub(crate) async fn read_store(self: &Arc<Self>, deadline: Monotonic) -> Result<(), Error> {
        self.read_if(|_| true, deadline).await
    }

    /// The same where `wanted` still says so once nobody else reads.
    async fn read_if(
        self: &Arc<Self>,
        wanted: fn(&Core) -> bool,
        deadline: Monotonic,
    ) -> Result<(), Error> {
        let clock = Arc::clone(&self.shared.clock);
        loop {
            let changed = self.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.reading().begin() {
                Ok(()) => {
                    let leader = Leader(self);
                    if !wanted(&self.core()) {
                        return Ok(());
                    }
                    let read = match wait(&*clock, self.read_once(), deadline).await {
                        Waited::Came(read) => read,
                        // One caller's time is over: the others read for themselves.
                        Waited::Over => return Err(too_slow()),
                    };
                    leader.end(&read, clock.monotonic());
                    return read;
                }
                Err(count) => loop {
                    if let Some(end) = self.reading().ended_since(count) {
                        return end;
                    }
                    if self.reading().is_idle() {
                        // Whoever read has gone: on with a reading of one's own.
                        break;
                    }
                    if clock.monotonic() >= deadline {
                        return Err(too_slow());
                    }
                    wait(&*clock, changed.as_mut(), deadline).await;
                    changed.set(self.notified());
                    changed.as_mut().enable();
                },
            }
        }
    }

    /// Reads what the store holds, if nobody has since the session was opened or put to rest.
    pub(crate) async fn read_first(self: &Arc<Self>, deadline: Monotonic) -> Result<(), Error> {
        if self.core().read {
            return Ok(());
        }
        self.read_if(|core| !core.read, deadline).await
    }

    /// The same in the background, for callers that cannot wait.
    pub(crate) fn read_soon(self: &Arc<Self>) {
        if self.core().read || !self.is_not_read() {
            return;
        }
        let cell = Arc::clone(self);
        self.shared.spawn(async move {
            let deadline = cell.shared.clock.monotonic().after(cell.settings.deadline);
            // The next caller tries again, and hears why.
            drop(cell.read_first(deadline).await);
        });
    }

    async fn read_once(self: &Arc<Self>) -> Result<(), Error> {
        let records = Records::load(self).await?;
        if self.provider.capabilities().code_per_request.is_some()
            && self.codes().is_none()
            && let Ok(Ok(credentials)) = caught(self.current_credentials(true)).await
        {
            self.remember_codes(&credentials, &records.session.memo);
        }
        readers_copy::look_after(&self.shared, std::iter::once((self, &records)));
        self.observe(&records);
        Ok(())
    }
}

fn too_slow() -> Error {
    Error::new(ErrorKind::Store)
        .hint("the store did not answer in time; check that it can be reached")
}
