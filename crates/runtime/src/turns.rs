//! Exchanges that are ready on one thread take turns, a step each.
//!
//! The code of an exchange is several times what a processor's first cache holds. One after the other, each exchange
//! meets that cache full of its own last step; step beside step, the first one fetches the code and those behind it
//! have it at hand.

use std::cell::Cell;
use std::future::poll_fn;
use std::ptr;
use std::task::Poll;

use crate::sync::thread_local;

/// A thread on which nobody else is ready tries again after so many steps, which is not always the same step of an
/// exchange. Not after each: giving way wakes another thread, which looks for work that is not there.
const PROBE: u32 = 31;

/// A thread's credit at most: so many times in a row it may give way in vain.
const MOST: u32 = 64;

thread_local! {
    static TURNS: Turns = const { Turns::new() };
}

/// How a thread's exchanges take turns.
struct Turns {
    taken: Cell<u32>,
    /// How often an exchange here may give way yet. It takes one, and brings back two if others had their turn.
    credit: Cell<u32>,
}

/// A turn of a thread, told by its address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Turn {
    thread: usize,
    number: u32,
}

/// Lets whatever is ready on this thread go first, if other exchanges are among it.
pub(crate) fn give_way() -> impl Future<Output = ()> {
    let mut given = None;
    poll_fn(move |context| {
        TURNS.with(|turns| match given {
            Some(turn) => {
                turns.come_back(turn);
                Poll::Ready(())
            }
            None => match turns.take() {
                Some(turn) => {
                    given = Some(turn);
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(()),
            },
        })
    })
}

impl Turns {
    const fn new() -> Self {
        Self { taken: Cell::new(0), credit: Cell::new(MOST) }
    }

    fn now(&self) -> Turn {
        Turn { thread: ptr::from_ref(self).addr(), number: self.taken.get() }
    }

    /// A step is done; the turn with which to come back, if others are to have theirs.
    fn take(&self) -> Option<Turn> {
        self.taken.set(self.taken.get().wrapping_add(1));
        let probe = u32::from(self.taken.get().is_multiple_of(PROBE));
        let credit = self.credit.get().max(probe);
        self.credit.set(credit.saturating_sub(1));
        (credit > 0).then(|| self.now())
    }

    /// Whoever comes back to another thread was most likely taken there by one that had nothing to do.
    fn come_back(&self, from: Turn) {
        let here = self.now();
        if here.thread == from.thread && here.number != from.number {
            self.credit.set((self.credit.get() + 2).min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often whoever is alone gives way in so many steps.
    fn alone(turns: &Turns, steps: u32) -> u32 {
        let turn = |_| turns.take().map(|turn| turns.come_back(turn));
        (0..steps).filter_map(turn).count().try_into().unwrap()
    }

    #[test]
    fn who_is_alone_gives_way_a_few_times_and_then_hardly_ever() {
        let turns = Turns::new();
        let first = alone(&turns, MOST);
        assert_eq!(first, MOST);
        assert_eq!(alone(&turns, 100 * PROBE), 100);
    }

    #[test]
    fn company_that_is_found_by_one_is_given_way_to_by_all() {
        let turns = Turns::new();
        alone(&turns, 10 * PROBE);
        // From here on two are ready: each comes back after the other's step.
        let (mut given, mut other) = (0, None);
        for _ in 0..20 * PROBE {
            let turn = turns.take();
            given += u32::from(turn.is_some());
            if let Some(turn) = std::mem::replace(&mut other, turn) {
                turns.come_back(turn);
            }
        }
        assert!(given > 18 * PROBE, "{given}");
    }

    #[test]
    fn who_was_taken_by_an_idle_thread_brings_nothing_back() {
        let (busy, idle) = (Turns::new(), Turns::new());
        let mut given = 0;
        for _ in 0..100 * PROBE {
            let turn = busy.take();
            given += u32::from(turn.is_some());
            alone(&idle, 1);
            turn.into_iter().for_each(|turn| idle.come_back(turn));
        }
        assert!(given <= MOST + 100, "{given}");
    }

    #[tokio::test]
    async fn a_step_of_each_comes_before_the_next_step_of_anybody() {
        let (told, heard) = std::sync::mpsc::channel();
        let all = (0..8).map(|who| {
            let told = told.clone();
            async move {
                for step in 0..4 {
                    told.send((step, who)).unwrap();
                    give_way().await;
                }
            }
        });
        for ended in all.map(tokio::spawn).collect::<Vec<_>>() {
            ended.await.unwrap();
        }
        let steps: Vec<_> = heard.try_iter().collect();
        assert!(steps.is_sorted() && steps.len() == 32, "{steps:?}");
    }
}
