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

use bytes::Bytes;
use countersign_core::Authorization;
use http::HeaderValue;

use crate::sync::{OnceLock, Tally, thread_local};

/// So many threads are told apart, in the order in which they came. Further ones share a set with one of these.
const THREADS: usize = 64;

/// So often a thread has taken the headers after another one, beyond what others have counted down: then it gets its own.
const OFTEN: u16 = 1_024;

/// A publication that a thread has met less often is not written to: all threads read it.
const SELDOM: u16 = 8;

/// So many publications a thread knows. Whatever makes more than a seventeenth of all that it takes after others is among
/// them.
const KNOWN: usize = 16;

/// So many publications of the process have sets, a few more where several get theirs at once: with one header each, they
/// weigh 7 MB at most.
const MOST: u32 = 256;

/// No thread's number.
const NOBODY: u32 = u32::MAX;

thread_local! {
    static THREAD: Thread = const { Thread::new() };
}

/// The number of the thread that came last.
static LAST: Tally = Tally::new(0);

/// How many publications have sets.
static ALIVE: Tally = Tally::new(0);

/// The sets of one publication.
pub(crate) struct Shards {
    /// The thread that took the headers last, as far as that is kept; nobody where there are sets (or the one thread that did
    /// not see them when they were made: it goes on without).
    taken_by: Tally,
    sets: OnceLock<Box<Sets>>,
}

struct Sets([OnceLock<Arc<Authorization>>; THREADS]);

/// What a thread knows.
struct Thread {
    /// Its own number; 0 until it has one.
    number: Cell<u32>,
    often: [Cell<Met>; KNOWN],
}

/// A publication, and how often it was met beyond what others have counted down.
#[derive(Clone, Copy)]
struct Met {
    publication: usize,
    times: u16,
}

impl Shards {
    pub(crate) const fn new() -> Self {
        Self { taken_by: Tally::new(NOBODY), sets: OnceLock::new() }
    }

    /// This thread's own set of the headers that were `made`, if it has or needs one.
    #[inline]
    pub(crate) fn mine(&self, made: &Authorization) -> Option<&Arc<Authorization>> {
        THREAD.with(|thread| self.of(thread, made))
    }

    #[inline]
    fn of(&self, thread: &Thread, made: &Authorization) -> Option<&Arc<Authorization>> {
        if self.taken_by.load(Ordering::Relaxed) == thread.number.get() {
            return None;
        }
        self.after_another(thread, made)
    }

    #[inline(never)]
    fn after_another(&self, thread: &Thread, made: &Authorization) -> Option<&Arc<Authorization>> {
        let number = thread.number();
        if let Some(sets) = self.sets.get() {
            return Some(sets.of(number, made));
        }
        let is_first = self.taken_by.load(Ordering::Relaxed) == NOBODY;
        let times = if is_first { SELDOM } else { thread.meets(self) };
        match times {
            ..SELDOM => None,
            // Without room for more sets, there is nothing to write either.
            OFTEN.. if ALIVE.load(Ordering::Relaxed) >= MOST => None,
            OFTEN.. => {
                thread.forget(self);
                let sets = self.sets.get_or_init(|| Box::new(Sets::new()));
                self.taken_by.store(NOBODY, Ordering::Relaxed);
                Some(sets.of(number, made))
            }
            _ => {
                self.taken_by.store(number, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Sets {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(array::from_fn(|_| OnceLock::new()))
    }

    fn of(&self, thread: u32, made: &Authorization) -> &Arc<Authorization> {
        self.0[thread as usize % THREADS].get_or_init(|| Arc::new(counted_apart(made)))
    }
}

impl Drop for Sets {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Thread {
    const fn new() -> Self {
        let often = [const { Cell::new(Met { publication: 0, times: 0 }) }; KNOWN];
        Self { number: Cell::new(0), often }
    }

    fn number(&self) -> u32 {
        if self.number.get() == 0 {
            self.number.set(LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        }
        self.number.get()
    }

    /// How often `publication` was met beyond what others have counted down, at most [`OFTEN`]; 0 if there is no place for it.
    /// Whoever finds no place counts down all that are known (Misra and Gries, *Finding repeated elements*, 1982): a worker
    /// that has a million sessions in use finds none of them often, and one that it takes often among them it finds.
    fn meets(&self, publication: &Shards) -> u16 {
        let publication = ptr::from_ref(publication).addr();
        let empty = || self.often.iter().find(|place| place.get().times == 0);
        if let Some(place) = self.known(publication).or_else(empty) {
            let times = place.get().times.saturating_add(1).min(OFTEN);
            place.set(Met { publication, times });
            return times;
        }
        for place in &self.often {
            let Met { publication, times } = place.get();
            place.set(Met { publication, times: times.saturating_sub(1) });
        }
        0
    }

    /// It has sets; and when it is gone, another one will lie there.
    fn forget(&self, publication: &Shards) {
        if let Some(place) = self.known(ptr::from_ref(publication).addr()) {
            place.set(Met { publication: 0, times: 0 });
        }
    }

    fn known(&self, publication: usize) -> Option<&Cell<Met>> {
        let is_known = |met: Met| met.times > 0 && met.publication == publication;
        self.often.iter().find(|place| is_known(place.get()))
    }
}

fn counted_apart(made: &Authorization) -> Authorization {
    let headers = made.headers().iter().map(|(name, value)| {
        let bytes = Bytes::from_owner(Alone(value.clone()));
        // It was a value before. And if it should be none any more, it is the counter that is lost.
        let apart = HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone());
        (name.clone(), apart)
    });
    Authorization::new(headers, made.valid_until())
}

/// Alone in its lines of memory. So is then the counter, which `bytes` has right before it.
#[repr(align(128))]
struct Alone(HeaderValue);

impl AsRef<[u8]> for Alone {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
#[path = "shards_tests.rs"]
mod tests;
