//! One queue for the wake-ups of all sessions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// Stale entries are tolerated up to as many as live ones and this.
const SLACK: usize = 64;

/// At most one wake-up per key, in order of time: a heap, no task, timer or channel per session.
///
/// `I` is the instant; use the monotonic clock, so that setting the wall clock moves nothing.
/// Replacing and cancelling leave a stale heap entry behind, which is skipped later; when the stale
/// ones outnumber the live ones the heap is rebuilt, so memory stays in proportion to the keys.
/// Entries of one instant come in the order in which they were scheduled.
#[derive(Clone, Debug)]
pub struct Queue<K, I> {
    heap: BinaryHeap<Reverse<(I, u64, K)>>,
    live: HashMap<K, (I, u64)>,
    next: u64,
}

impl<K, I> Default for Queue<K, I> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), live: HashMap::new(), next: 0 }
    }
}

impl<K: Copy + Eq + Hash + Ord, I: Copy + Ord> Queue<K, I> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes `key` at `due`, and no longer at an instant scheduled earlier. Says whether `due` is
    /// now the first of all: then whoever sleeps for the queue must be told.
    pub fn schedule(&mut self, key: K, due: I) -> bool {
        let was_first = self.next_due();
        self.live.insert(key, (due, self.next));
        self.heap.push(Reverse((due, self.next, key)));
        self.next += 1;
        self.compact();
        was_first.is_none_or(|first| due < first)
    }

    /// Wakes `key` no more. Says whether it was scheduled.
    pub fn cancel(&mut self, key: &K) -> bool {
        let was = self.live.remove(key).is_some();
        self.compact();
        was
    }

    /// When `key` is woken.
    pub fn due_of(&self, key: &K) -> Option<I> {
        self.live.get(key).map(|(due, _)| *due)
    }

    /// The first instant at which anybody is due.
    pub fn next_due(&mut self) -> Option<I> {
        while let Some(Reverse((due, n, key))) = self.heap.peek() {
            if self.live.get(key).is_some_and(|(_, live)| live == n) {
                return Some(*due);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes out at most `limit` keys that are due at `now`, first ones first. The others stay due:
    /// after a suspend, asking for a few at a time spreads the storm.
    pub fn pop_due(&mut self, now: I, limit: usize) -> Vec<K> {
        let mut due = Vec::new();
        while due.len() < limit && self.next_due().is_some_and(|first| first <= now) {
            if let Some(Reverse((_, _, key))) = self.heap.pop() {
                self.live.remove(&key);
                due.push(key);
            }
        }
        due
    }

    /// All keys that are scheduled, in no order: to re-evaluate them after a jump of the clock.
    pub fn keys(&self) -> impl Iterator<Item = K> + '_ {
        self.live.keys().copied()
    }

    /// How many keys are scheduled.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    fn compact(&mut self) {
        if self.heap.len() <= 2 * self.live.len() + SLACK {
            return;
        }
        let live = &self.live;
        self.heap.retain(|Reverse((_, n, key))| live.get(key).is_some_and(|(_, at)| at == n));
        // A volley of sessions that left must not hold its memory for ever.
        self.heap.shrink_to(2 * self.live.len() + SLACK);
        self.live.shrink_to(2 * self.live.len() + SLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_order_of_time_then_of_scheduling() {
        let mut queue = Queue::new();
        for (key, due) in [(1_u64, 30_u32), (2, 10), (3, 20), (4, 10)] {
            queue.schedule(key, due);
        }
        assert_eq!(queue.next_due(), Some(10));
        assert_eq!(queue.pop_due(9, 100), Vec::<u64>::new());
        assert_eq!(queue.pop_due(20, 100), [2, 4, 3]);
        assert_eq!((queue.len(), queue.next_due()), (1, Some(30)));
    }

    #[test]
    fn a_later_wish_replaces_the_earlier_one_and_only_a_new_first_is_worth_telling() {
        let mut queue = Queue::new();
        assert!(queue.schedule('a', 10));
        assert!(!queue.schedule('b', 20));
        assert!(queue.schedule('b', 5));
        assert!(!queue.schedule('b', 50));
        assert_eq!((queue.due_of(&'b'), queue.len()), (Some(50), 2));
        assert!(queue.cancel(&'a') && !queue.cancel(&'a'));
        assert_eq!(queue.pop_due(49, 9), []);
        assert_eq!(queue.pop_due(50, 9), ['b']);
        assert!(queue.is_empty() && queue.next_due().is_none());
    }

    #[test]
    fn f18_a_wake_up_storm_comes_in_portions_and_the_rest_stays_due() {
        let mut queue = Queue::new();
        for key in 0..1_000_u64 {
            queue.schedule(key, key);
        }
        let portions: Vec<usize> =
            std::iter::from_fn(|| Some(queue.pop_due(u64::MAX, 64).len())).take(17).collect();
        assert_eq!(portions[..15], [64; 15]);
        assert_eq!(portions[15..], [40, 0]);
    }

    #[test]
    fn memory_follows_the_keys_not_the_wishes() {
        let mut queue = Queue::new();
        for n in 0..100_000_u64 {
            queue.schedule(n % 10, n);
            assert!(queue.heap.len() <= 2 * queue.len() + SLACK + 1);
        }
        for key in 0..10 {
            queue.cancel(&key);
        }
        assert!(queue.heap.len() <= SLACK && queue.heap.capacity() < 1_000);
    }

    #[test]
    fn a_million_entries_are_no_trouble() {
        let mut queue = Queue::new();
        // A full-period generator: every key once, in no order of time.
        let dues = |key: u64| (key * 7_919) % 1_000_003;
        for key in 0..1_000_000_u64 {
            queue.schedule(key, dues(key));
        }
        let popped = queue.pop_due(u64::MAX, usize::MAX);
        assert_eq!(popped.len(), 1_000_000);
        assert!(popped.windows(2).all(|two| dues(two[0]) <= dues(two[1])));
    }

    #[test]
    fn any_series_of_calls_agrees_with_a_plain_table() {
        let mut queue = Queue::new();
        let mut table = std::collections::BTreeMap::new();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (key, due, act) = (state >> 58, (state >> 40) & 0xff, (state >> 32) & 3);
            match act {
                0 => assert_eq!(queue.cancel(&key), table.remove(&key).is_some()),
                1 => {
                    for popped in queue.pop_due(due, 3) {
                        let was = table.remove(&popped);
                        assert!(was.is_some_and(|at| at <= due));
                        assert!(table.values().all(|at| Some(*at) >= was));
                    }
                }
                _ => {
                    queue.schedule(key, due);
                    table.insert(key, due);
                }
            }
            assert_eq!(queue.next_due(), table.values().min().copied());
            assert_eq!(queue.len(), table.len());
        }
    }
}
