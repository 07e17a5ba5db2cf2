//! Headers that are counted apart for each thread, where several threads keep taking the same ones.
//!
//! A clone of a header counts up at one place in memory, and its end counts down there. Processors that do so at once wait
//! for one another: two take ten times as long as one, and each further one makes it longer. So a publication that threads
//! crowd around gets a set of headers for each of them, over the same bytes.

use std::array;
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use countersign_core::Authorization;

use crate::sync::{OnceLock, Tally, thread_local};

/// So many threads are told apart.
const THREADS: usize = 64;

/// A thread has met a publication so often after another thread, and others so much less often: now it gets its own set.
const OFTEN: u8 = 64;

/// So many publications a thread keeps count of.
const COUNTED: usize = 16;

thread_local! {
    static THREAD: Thread = const { Thread::new() };
}

/// No thread's number.
const NOBODY: u32 = u32::MAX;

/// The number of the thread that came last.
static LAST: Tally = Tally::new(0);

/// The sets of one publication.
pub(crate) struct Shards {
    /// The thread that takes the publication's own headers; without sets, whichever took them last.
    owner: Tally,
    sets: OnceLock<Box<Sets>>,
}

type Sets = [OnceLock<Arc<Authorization>>; THREADS];

/// What a thread knows.
struct Thread {
    /// Its own number; 0 until it has one.
    number: Cell<u32>,
    met: [Cell<Met>; COUNTED],
}

/// A publication, and how much more often than others of its place it was met.
#[derive(Clone, Copy)]
struct Met {
    publication: usize,
    times: u8,
}

impl Shards {
    pub(crate) const fn new() -> Self {
        Self { owner: Tally::new(NOBODY), sets: OnceLock::new() }
    }

    /// This thread's own set of the headers that were `made`, if it has or needs one.
    #[inline]
    pub(crate) fn mine(&self, made: &Authorization) -> Option<&Arc<Authorization>> {
        THREAD.with(|thread| self.of(thread, made))
    }

    #[inline]
    fn of(&self, thread: &Thread, made: &Authorization) -> Option<&Arc<Authorization>> {
        if self.owner.load(Ordering::Relaxed) == thread.number.get() {
            return None;
        }
        self.after_another(thread, made)
    }

    #[inline(never)]
    fn after_another(&self, thread: &Thread, made: &Authorization) -> Option<&Arc<Authorization>> {
        let number = thread.number();
        let sets = match self.sets.get() {
            Some(sets) => sets,
            None if thread.meets(self) => {
                self.sets.get_or_init(|| Box::new(array::from_fn(|_| OnceLock::new())))
            }
            None => {
                self.owner.store(number, Ordering::Relaxed);
                return None;
            }
        };
        let mine = &sets[number as usize % THREADS];
        Some(mine.get_or_init(|| Arc::new(made.counted_apart())))
    }
}

impl Thread {
    const fn new() -> Self {
        Self {
            number: Cell::new(0),
            met: [const { Cell::new(Met { publication: 0, times: 0 }) }; COUNTED],
        }
    }

    fn number(&self) -> u32 {
        if self.number.get() == 0 {
            self.number.set(LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        }
        self.number.get()
    }

    /// Counts, and tells whether it has become often. Each place has one publication, and whoever else has it in common
    /// counts against that one: a worker that has a million sessions in use finds none of them often.
    fn meets(&self, publication: &Shards) -> bool {
        let publication = ptr::from_ref(publication).addr();
        // What lies in one block of memory after the other differs in these bits.
        let place = &self.met[(publication >> 9) % COUNTED];
        let met = place.get();
        let now = match met {
            Met { publication: other, times } if other != publication && times > 0 => {
                Met { publication: other, times: times - 1 }
            }
            Met { publication: other, times } => Met {
                publication,
                times: if other == publication { times.saturating_add(1) } else { 1 },
            },
        };
        place.set(now);
        now.publication == publication && now.times >= OFTEN
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::Timestamp;
    use http::HeaderValue;
    use http::header::AUTHORIZATION;

    use super::*;

    fn made() -> Authorization {
        let value = HeaderValue::from_static("Bearer canary");
        Authorization::new([(AUTHORIZATION, value)], Timestamp::MAX)
    }

    fn bytes(of: &Authorization) -> *const u8 {
        of.headers()[0].1.as_bytes().as_ptr()
    }

    /// Takes the headers so often by each of `threads` in turn.
    fn in_turn(times: usize, threads: &[&Thread], shards: &Shards, made: &Authorization) {
        for _ in 0..times {
            for thread in threads {
                shards.of(thread, made);
            }
        }
    }

    #[test]
    fn a_thread_alone_takes_what_the_adapter_made() {
        let (shards, made, thread) = (Shards::new(), made(), Thread::new());
        for _ in 0..10_000 {
            assert!(shards.of(&thread, &made).is_none());
        }
    }

    #[test]
    fn a_session_that_moves_from_thread_to_thread_now_and_then_has_no_sets() {
        let (shards, made, threads) = (Shards::new(), made(), [(); 8].map(|()| Thread::new()));
        for _ in 0..usize::from(OFTEN) - 1 {
            for thread in &threads {
                in_turn(1_000, &[thread], &shards, &made);
            }
        }
        assert!(shards.sets.get().is_none());
    }

    #[test]
    fn threads_that_crowd_around_one_publication_have_a_set_each_over_the_same_bytes() {
        let (shards, made, threads) = (Shards::new(), made(), [(); 3].map(|()| Thread::new()));
        let [one, two, late] = &threads;
        in_turn(usize::from(OFTEN), &[one, two], &shards, &made);
        let sets: Vec<_> = threads.iter().filter_map(|thread| shards.of(thread, &made)).collect();
        // The other one keeps what the adapter made.
        let [first, second] = sets[..] else { panic!("{} sets", sets.len()) };
        assert!(!Arc::ptr_eq(first, second));
        assert!(
            Arc::ptr_eq(second, shards.of(late, &made).unwrap()),
            "a late one has its own at once"
        );
        for set in sets {
            assert_eq!(set.headers(), made.headers());
            assert_eq!(set.valid_until(), made.valid_until());
            assert!(set.headers()[0].1.is_sensitive());
            assert_eq!(bytes(set), bytes(&made));
        }
    }

    #[test]
    fn many_sessions_in_use_have_no_sets_and_the_one_that_all_take_has() {
        let (made, threads) = (made(), [Thread::new(), Thread::new()]);
        let many: Vec<Shards> = (0..5_000).map(|_| Shards::new()).collect();
        let busy = Shards::new();
        for _ in 0..100 {
            for shards in &many {
                in_turn(1, &[&threads[0], &threads[1]], shards, &made);
            }
        }
        assert!(many.iter().all(|shards| shards.sets.get().is_none()));
        for shards in &many {
            in_turn(1, &[&threads[0], &threads[1]], shards, &made);
            in_turn(1, &[&threads[0], &threads[1]], &busy, &made);
        }
        assert!(busy.sets.get().is_some());
        let with_sets = many.iter().filter(|shards| shards.sets.get().is_some()).count();
        assert_eq!(with_sets, 0);
    }
}
