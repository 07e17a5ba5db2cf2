//! Connections that nobody uses just now, and the task that waits for their end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;

/// How many are kept, and how long.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) most: usize,
    pub(crate) longest: Duration,
}

/// The connections to one server that are kept.
pub(crate) struct Idle {
    kept: Mutex<Kept>,
    bell: Arc<Bell>,
    /// Rings the bell.
    waker: Waker,
}

#[derive(Default)]
struct Kept {
    /// Since when, oldest first.
    connections: Vec<(Instant, Connection)>,
    /// A task waits for their end.
    is_watched: bool,
}

impl Idle {
    pub(crate) fn new() -> Arc<Self> {
        let bell = Arc::new(Bell::default());
        Arc::new(Self { kept: Mutex::default(), waker: Arc::clone(&bell).into(), bell })
    }

    /// The one that was used last and is still open.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let (_, mut connection) = self.kept().connections.pop()?;
            if connection.is_open(Waker::noop()) {
                return Some(connection);
            }
        }
    }

    /// Keeps `connection`, unless it is at its end or there are enough.
    pub(crate) fn keep(self: &Arc<Self>, mut connection: Connection, limits: Limits) {
        if !connection.is_open(&self.waker) {
            return;
        }
        let mut kept = self.kept();
        if kept.connections.len() >= limits.most {
            drop(kept);
            return drop(connection);
        }
        kept.connections.push((Instant::now(), connection));
        if kept.is_watched {
            return;
        }
        // Without a runtime nobody waits; what has ended is found when it is taken.
        let Ok(runtime) = Handle::try_current() else { return };
        kept.is_watched = true;
        drop(kept);
        let watch = Watch { idle: Arc::downgrade(self), is_over: false };
        runtime.spawn(watch.until_none_is_left(limits.longest));
    }

    /// Drops those that have ended or were not used for so long; when to look again, if any is left.
    fn sweep(&self, longest: Duration) -> Option<Instant> {
        let mut kept = self.kept();
        let now = Instant::now();
        let is_over = |(since, connection): &mut (Instant, Connection)| {
            now.duration_since(*since) >= longest || !connection.is_open(&self.waker)
        };
        let over: Vec<_> = kept.connections.extract_if(.., is_over).collect();
        let oldest = kept.connections.first().map(|(since, _)| *since + longest);
        kept.is_watched = oldest.is_some();
        drop(kept);
        // Closed where nobody waits for it.
        drop(over);
        oldest
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the task that watches, whichever it is.
#[derive(Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn is_for(&self, waker: &Waker) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Some(waker.clone());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = heard {
            waker.wake();
        }
    }
}

/// The task that waits. Says that nobody does any more where it goes with its runtime.
struct Watch {
    idle: Weak<Idle>,
    is_over: bool,
}

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "sockets grow old by the system's clock alone")]
    async fn until_none_is_left(mut self, longest: Duration) {
        let mut pause = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            while let Some(idle) = self.idle.upgrade() {
                // First the bell: an end that comes while they are looked at is looked at again.
                idle.bell.is_for(context.waker());
                let Some(next) = idle.sweep(longest) else { break };
                pause.as_mut().reset(next);
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
        self.is_over = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(idle) = self.idle.upgrade().filter(|_| !self.is_over) {
            idle.kept().is_watched = false;
        }
    }
}
