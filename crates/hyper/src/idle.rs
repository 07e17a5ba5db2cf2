//! Connections that nobody uses just now, and the task that waits for their end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;

/// How many are kept, and how long.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) most: usize,
    pub(crate) longest: Duration,
}

/// The connections to one server that are kept.
#[derive(Default)]
pub(crate) struct Idle {
    kept: Mutex<Kept>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Kept {
    /// That which was used last is the last.
    unused: Vec<Unused>,
    /// A task waits for their end.
    is_watched: bool,
}

struct Unused {
    connection: Connection,
    until: Instant,
    /// Whose driver tells of its socket: in another one nobody might.
    runtime: Option<Id>,
}

impl Idle {
    /// The one of this runtime that was used last, if it is still open and its time is not over.
    pub(crate) fn take(&self) -> Option<Connection> {
        let runtime = runtime_here();
        loop {
            let unused = {
                let all = &mut self.kept().unused;
                let at = all.iter().rposition(|unused| unused.runtime == runtime)?;
                all.remove(at)
            };
            if let Some(watched) = &unused.connection.watched {
                watched.set_kept(false);
            }
            // Where nobody has driven the runtime since, nobody has watched either.
            if Instant::now() < unused.until && unused.connection.is_ready() {
                return Some(unused.connection);
            }
        }
    }

    /// Keeps `connection`, unless it is at its end or there are enough.
    pub(crate) fn keep(self: &Arc<Self>, mut connection: Connection, limits: Limits) {
        let mut kept = self.kept();
        let waker = connection.watched.get_or_insert_with(|| Watched::by(&self.bell)).kept();
        // Under the lock: an end that rings now is looked at once it is among the others.
        if kept.unused.len() >= limits.most || !connection.is_open(&waker) {
            drop(kept);
            return drop(connection);
        }
        let until = Instant::now() + limits.longest;
        kept.unused.push(Unused { connection, until, runtime: runtime_here() });
        if kept.is_watched {
            return;
        }
        // Without a runtime nobody waits; what has ended is found when it is taken.
        let Ok(runtime) = Handle::try_current() else { return };
        kept.is_watched = true;
        drop(kept);
        runtime.spawn(Watch { idle: Arc::downgrade(self), is_over: false }.until_none_is_left());
    }

    /// Drops those that have ended or whose time is over; when to look again, if any is left.
    fn sweep(&self) -> Option<Instant> {
        let mut kept = self.kept();
        let now = Instant::now();
        let is_over = |unused: &mut Unused| {
            let watched = unused.connection.watched.as_ref();
            now >= unused.until
                || watched.map(Watched::kept).is_none_or(|waker| !unused.connection.is_open(&waker))
        };
        let over: Vec<_> = kept.unused.extract_if(.., is_over).collect();
        let next = kept.unused.iter().map(|unused| unused.until).min();
        kept.is_watched = next.is_some();
        drop(kept);
        drop(over);
        next
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        // Nobody is left to watch for.
        self.bell.ring();
    }
}

fn runtime_here() -> Option<Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

/// Wakes the task that watches, whichever it is.
#[derive(Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn is_for(&self, waker: &Waker) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = Some(waker.clone());
    }

    fn ring(&self) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = heard {
            waker.wake();
        }
    }
}

/// What a connection wakes: the bell while it is kept, and nobody while it is used. A request that is given to it wakes
/// whoever drove it last.
#[derive(Clone)]
pub(crate) struct Watched(Arc<OfOne>);

struct OfOne {
    bell: Arc<Bell>,
    is_kept: AtomicBool,
}

impl Watched {
    fn by(bell: &Arc<Bell>) -> Self {
        let is_kept = AtomicBool::new(false);
        Self(Arc::new(OfOne { bell: Arc::clone(bell), is_kept }))
    }

    fn set_kept(&self, is_kept: bool) {
        self.0.is_kept.store(is_kept, Ordering::Release);
    }

    /// What it is driven with from now on, as long as it is kept.
    fn kept(&self) -> Waker {
        self.set_kept(true);
        Arc::clone(&self.0).into()
    }
}

impl Wake for OfOne {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_kept.load(Ordering::Acquire) {
            self.bell.ring();
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
    async fn until_none_is_left(mut self) {
        let mut pause = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            while let Some(idle) = self.idle.upgrade() {
                // First the bell: an end that comes while they are looked at is looked at again.
                idle.bell.is_for(context.waker());
                let Some(next) = idle.sweep() else { break };
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use hyper_util::rt::TokioIo;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Whoever waits for the end of a connection that nobody uses looks at all of them.
    #[tokio::test]
    async fn a_request_over_a_kept_connection_rings_for_nobody_and_the_end_of_one_does() {
        let idle = Arc::<Idle>::default();
        let (ours, theirs) = tokio::io::duplex(4_096);
        let connection = Connection::over(TokioIo::new(ours)).await.unwrap();
        let limits = Limits { most: 8, longest: Duration::from_secs(90) };
        idle.keep(connection, limits);
        // The task that watches is there by now, and is not asked any more.
        tokio::task::yield_now().await;
        let rung = Arc::new(Count(AtomicUsize::new(0)));
        idle.bell.is_for(&Arc::clone(&rung).into());
        let mut connection = idle.take().unwrap();
        let request = Request::get("/").header("host", "x").body(Full::<Bytes>::default()).unwrap();
        drop(connection.begin(request));
        assert_eq!(rung.0.load(Ordering::SeqCst), 0);
        drop(connection);

        let (ours, others) = tokio::io::duplex(4_096);
        let connection = Connection::over(TokioIo::new(ours)).await.unwrap();
        idle.keep(connection, limits);
        idle.bell.is_for(&Arc::clone(&rung).into());
        drop((theirs, others));
        assert_eq!(rung.0.load(Ordering::SeqCst), 1);
    }
}
