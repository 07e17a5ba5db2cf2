//! Time that passes when nothing else can happen.
//!
//! Everything that waits in a case waits on one [`VirtualClock`]. When the runtime of the case has
//! nothing left to do, the clock moves to the first moment that somebody waits for: hours of a
//! session's life pass in milliseconds, and nothing that is due in between is passed over.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};
use futures_util::future::{Either, select};

/// Two hands and those who wait for them. Clones are the same clock.
#[derive(Clone)]
pub struct VirtualClock(Arc<Mutex<Hands>>);

struct Hands {
    wall: Timestamp,
    mono: Monotonic,
    sleepers: BTreeMap<(Monotonic, u64), Waker>,
    settlers: Vec<Waker>,
    /// How often nothing was left to do while somebody waited for that.
    n_calms: u64,
    next_id: u64,
}

/// Why a case that had not ended was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stuck {
    /// Nobody waits for any moment: nothing will ever happen again.
    Forever,
    /// More virtual time than any case needs.
    TooLong,
    /// More real time than a case may take.
    TooSlow,
}

impl VirtualClock {
    /// A clock whose wall shows `wall`, and whose monotonic hand stands at zero.
    pub fn at(wall: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands {
            wall,
            mono: Monotonic::default(),
            sleepers: BTreeMap::new(),
            settlers: Vec::new(),
            n_calms: 0,
            next_id: 0,
        })))
    }

    /// Waits until everything that can happen without time passing has happened.
    pub async fn settle(&self) {
        Settle { clock: self.clone(), since: None }.await;
    }

    /// Moves both hands at once, as when a machine wakes after it was suspended: whoever was due in
    /// between is late.
    pub fn leap(&self, span: Duration) {
        self.hands().advance(span);
    }

    /// Sets the wall clock by that many milliseconds, back or forward, and leaves the monotonic one.
    pub fn set_by(&self, millis: i64) {
        let mut hands = self.hands();
        hands.wall = hands.wall.shifted(millis);
    }

    /// Runs `work`, and moves the hands whenever nothing else can happen. Needs a runtime of one
    /// thread whose own clock is paused.
    pub(crate) async fn drive<F: Future>(
        &self,
        work: F,
        longest: Duration,
        mut too_slow: impl FnMut() -> bool,
    ) -> Result<F::Output, Stuck> {
        let mut work = std::pin::pin!(work);
        loop {
            // A paused runtime lets a timer fire when it would otherwise have nothing to do.
            #[expect(clippy::disallowed_methods, reason = "it measures no time but idleness")]
            let idle = std::pin::pin!(tokio::time::sleep(Duration::from_millis(1)));
            match select(work.as_mut(), idle).await {
                Either::Left((output, _)) => return Ok(output),
                Either::Right(((), _)) => self.calm()?,
            }
            if self.monotonic().elapsed() > longest {
                return Err(Stuck::TooLong);
            }
            if too_slow() {
                return Err(Stuck::TooSlow);
            }
        }
    }

    /// Nothing is left to do at this moment.
    fn calm(&self) -> Result<(), Stuck> {
        let mut hands = self.hands();
        if !hands.settlers.is_empty() {
            hands.n_calms += 1;
            hands.settlers.drain(..).for_each(Waker::wake);
            return Ok(());
        }
        let first = hands.sleepers.first_key_value().map(|((until, _), _)| *until);
        let until = first.ok_or(Stuck::Forever)?;
        let span = until.since(hands.mono);
        hands.advance(span);
        Ok(())
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands {
    fn advance(&mut self, span: Duration) {
        self.mono = self.mono.after(span);
        self.wall = self.wall.after(span);
        while let Some(first) = self.sleepers.first_entry().filter(|e| e.key().0 <= self.mono) {
            first.remove().wake();
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.hands().wall
    }

    fn monotonic(&self) -> Monotonic {
        self.hands().mono
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        Sleep { clock: self.clone(), deadline, id: None }.await;
    }
}

struct Sleep {
    clock: VirtualClock,
    deadline: Monotonic,
    id: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut hands = clock.hands();
        if hands.mono >= self.deadline {
            return Poll::Ready(());
        }
        let id = *self.id.get_or_insert_with(|| {
            hands.next_id += 1;
            hands.next_id
        });
        hands.sleepers.insert((self.deadline, id), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.clock.hands().sleepers.remove(&(self.deadline, id));
        }
    }
}

struct Settle {
    clock: VirtualClock,
    since: Option<u64>,
}

impl Future for Settle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut hands = clock.hands();
        let since = *self.since.get_or_insert(hands.n_calms);
        if hands.n_calms > since {
            return Poll::Ready(());
        }
        hands.settlers.push(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>, clock: &VirtualClock) -> Result<T, Stuck> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(clock.drive(work, Duration::from_secs(1_000_000), || false))
    }

    fn seconds(n: u64) -> Monotonic {
        Monotonic::from_start(Duration::from_secs(n))
    }

    #[test]
    fn who_waits_is_woken_in_the_order_of_time_at_the_exact_moment() {
        let clock = VirtualClock::at(Timestamp::from_seconds(1_000));
        let order = Arc::new(Mutex::new(Vec::new()));
        let (work, noted) = (clock.clone(), Arc::clone(&order));
        run(
            async move {
                let sleeper = |n: u64| {
                    let (clock, noted) = (work.clone(), Arc::clone(&noted));
                    tokio::spawn(async move {
                        clock.sleep_until(seconds(n)).await;
                        noted.lock().unwrap().push((n, clock.monotonic() == seconds(n)));
                    })
                };
                let tasks = [sleeper(3_600), sleeper(5), sleeper(60)];
                for task in tasks {
                    task.await.unwrap();
                }
            },
            &clock,
        )
        .unwrap();
        assert_eq!(*order.lock().unwrap(), [(5, true), (60, true), (3_600, true)]);
        assert_eq!(clock.now(), Timestamp::from_seconds(4_600));
    }

    #[test]
    fn settling_lets_everything_run_and_no_time_pass() {
        let clock = VirtualClock::at(Timestamp::from_seconds(0));
        let work = clock.clone();
        let done = run(
            async move {
                let worker = tokio::spawn(async {
                    for _ in 0..1_000 {
                        tokio::task::yield_now().await;
                    }
                });
                let late = work.clone();
                let sleeper = tokio::spawn(async move { late.sleep_until(seconds(1)).await });
                work.settle().await;
                (worker.is_finished(), sleeper.is_finished(), work.monotonic() == seconds(0))
            },
            &clock,
        );
        assert_eq!(done, Ok((true, false, true)));
    }

    #[test]
    fn what_can_never_go_on_is_told_from_what_takes_too_long() {
        let clock = VirtualClock::at(Timestamp::from_seconds(0));
        assert_eq!(run(std::future::pending::<()>(), &clock), Err(Stuck::Forever));
        let work = clock.clone();
        let endless = async move {
            loop {
                work.sleep_until(work.monotonic().after(Duration::from_secs(30))).await;
            }
        };
        assert_eq!(run::<()>(endless, &clock), Err(Stuck::TooLong));
    }
}
