//! One queue for the wake-ups of all sessions.

use std::time::Duration;

use countersign_core::Monotonic;

/// Room that is kept when the heap shrinks.
const SLACK: usize = 64;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;

/// Children of one node: a flatter heap misses the cache less often.
const FANOUT: usize = 4;

/// At most one wake-up per slot, in order of time: a heap, no task, timer or channel per session.
///
/// A slot is a small number that the driver gives a session while it lives, so that an entry takes
/// twenty bytes. Instants are those of the monotonic clock, so that setting the wall clock moves nothing;
/// they are kept in whole milliseconds, rounded up: nobody is woken early. Entries of one millisecond come
/// in no order.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// When, and who.
    heap: Vec<(u64, u32)>,
    /// Where a slot is in the heap.
    places: Vec<u32>,
}

impl Queue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { heap: Vec::new(), places: Vec::new() }
    }

    /// Wakes `slot` at `due`, and no longer at an instant scheduled earlier. Says whether `due` is
    /// now the first of all: then whoever sleeps for the queue must be told.
    pub fn schedule(&mut self, slot: u32, due: Monotonic) -> bool {
        let first = self.heap.first().map(|(due, _)| *due);
        let due = millis_up(due);
        match self.place(slot) {
            Some(at) => {
                let before = self.heap[at].0;
                self.heap[at].0 = due;
                if due < before { self.rise(at) } else { self.sink(at) }
            }
            None => {
                if self.places.len() <= slot as usize {
                    self.places.resize(slot as usize + 1, NOWHERE);
                }
                self.heap.push((due, slot));
                self.rise(self.heap.len() - 1);
            }
        }
        first.is_none_or(|first| due < first)
    }

    /// Wakes `slot` no more. Says whether it was scheduled.
    pub fn cancel(&mut self, slot: u32) -> bool {
        let Some(at) = self.place(slot) else { return false };
        self.take(at);
        true
    }

    /// When `slot` is woken.
    pub fn due_of(&self, slot: u32) -> Option<Monotonic> {
        self.place(slot).map(|at| instant(self.heap[at].0))
    }

    /// The first instant at which anybody is due.
    pub fn next_due(&self) -> Option<Monotonic> {
        self.heap.first().map(|(due, _)| instant(*due))
    }

    /// Takes out at most `limit` slots that are due at `now`, first ones first, each with the instant
    /// at which it was due. The others stay due: asking for a few at a time spreads a storm.
    pub fn pop_due(&mut self, now: Monotonic, limit: usize) -> Vec<(u32, Monotonic)> {
        let now = millis(now);
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(&(first, slot)) = self.heap.first()
            && first <= now
        {
            self.take(0);
            due.push((slot, instant(first)));
        }
        due
    }

    /// How many are due at `now` and have not been taken out.
    pub fn n_due(&self, now: Monotonic) -> usize {
        let now = millis(now);
        let (mut found, mut open) = (0, vec![0_usize]);
        while let Some(at) = open.pop() {
            if self.heap.get(at).is_some_and(|(due, _)| *due <= now) {
                found += 1;
                open.extend(at * FANOUT + 1..=at * FANOUT + FANOUT);
            }
        }
        found
    }

    /// How many are due before each of `instants`, which are in order of time: the shape of what is to
    /// come.
    pub fn due_before(&self, instants: &[Monotonic]) -> Vec<usize> {
        let bounds: Vec<u64> = instants.iter().map(|at| millis(*at)).collect();
        let mut counts = vec![0; bounds.len()];
        for (due, _) in &self.heap {
            let at = bounds.partition_point(|bound| bound <= due);
            if let Some(count) = counts.get_mut(at) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        counts
    }

    /// How many slots are scheduled.
    pub const fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nobody is.
    pub const fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    fn place(&self, slot: u32) -> Option<usize> {
        self.places.get(slot as usize).filter(|at| **at != NOWHERE).map(|at| *at as usize)
    }

    /// Removes the entry at `at`.
    fn take(&mut self, at: usize) {
        let (due, slot) = self.heap.swap_remove(at);
        self.places[slot as usize] = NOWHERE;
        if let Some(&(moved, _)) = self.heap.get(at) {
            if moved < due { self.rise(at) } else { self.sink(at) }
        }
        // A volley of sessions that left must not hold its memory for ever.
        if self.heap.capacity() > 4 * self.heap.len() + 4 * SLACK {
            self.heap.shrink_to(2 * self.heap.len() + SLACK);
        }
        if self.heap.is_empty() && self.places.len() > 4 * SLACK {
            self.places = Vec::new();
        }
    }

    fn rise(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / FANOUT;
            if self.heap[parent].0 <= entry.0 {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    fn sink(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let first = at * FANOUT + 1;
            let children = first..(first + FANOUT).min(self.heap.len());
            let Some(least) = children.min_by_key(|child| self.heap[*child].0) else { break };
            if entry.0 <= self.heap[least].0 {
                break;
            }
            self.put(at, self.heap[least]);
            at = least;
        }
        self.put(at, entry);
    }

    fn put(&mut self, at: usize, entry: (u64, u32)) {
        self.heap[at] = entry;
        // A heap of sessions is far smaller than the numbers there are.
        self.places[entry.1 as usize] = u32::try_from(at).unwrap_or(NOWHERE);
    }
}

fn millis(at: Monotonic) -> u64 {
    u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn millis_up(at: Monotonic) -> u64 {
    let whole = at.elapsed().subsec_nanos().is_multiple_of(1_000_000);
    millis(at).saturating_add(u64::from(!whole))
}

fn instant(millis: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Monotonic {
        instant(millis)
    }

    fn popped(queue: &mut Queue, now: u64, limit: usize) -> Vec<u32> {
        queue.pop_due(at(now), limit).into_iter().map(|(slot, _)| slot).collect()
    }

    #[test]
    fn slots_come_in_order_of_time_with_the_instant_at_which_they_were_due() {
        let mut queue = Queue::new();
        for (slot, due) in [(1, 30), (2, 10), (3, 20), (4, 11)] {
            queue.schedule(slot, at(due));
        }
        assert_eq!(queue.next_due(), Some(at(10)));
        assert_eq!(queue.pop_due(at(9), 100), []);
        assert_eq!(queue.n_due(at(20)), 3);
        assert_eq!(queue.pop_due(at(20), 100), [(2, at(10)), (4, at(11)), (3, at(20))]);
        assert_eq!((queue.len(), queue.next_due(), queue.n_due(at(29))), (1, Some(at(30)), 0));
    }

    #[test]
    fn a_later_wish_replaces_the_earlier_one_and_only_a_new_first_is_worth_telling() {
        let mut queue = Queue::new();
        assert!(queue.schedule(7, at(10)));
        assert!(!queue.schedule(8, at(20)));
        assert!(queue.schedule(8, at(5)));
        assert!(!queue.schedule(8, at(50)));
        assert_eq!((queue.due_of(8), queue.len()), (Some(at(50)), 2));
        assert!(queue.cancel(7) && !queue.cancel(7) && !queue.cancel(1_000));
        assert_eq!(popped(&mut queue, 49, 9), [0_u32; 0]);
        assert_eq!(popped(&mut queue, 50, 9), [8]);
        assert!(queue.is_empty() && queue.next_due().is_none());
    }

    #[test]
    fn nobody_is_woken_before_his_instant_has_come() {
        let mut queue = Queue::new();
        let due = Monotonic::from_start(Duration::from_nanos(5_000_001));
        queue.schedule(0, due);
        assert_eq!(queue.due_of(0), Some(at(6)));
        assert_eq!(queue.pop_due(due, 1), []);
        assert_eq!(queue.pop_due(at(6), 1).len(), 1);
        queue.schedule(0, Monotonic::from_start(Duration::MAX));
        assert_eq!(queue.pop_due(Monotonic::from_start(Duration::MAX), 1).len(), 1);
    }

    #[test]
    fn f18_a_wake_up_storm_comes_in_portions_and_the_rest_stays_due() {
        let mut queue = Queue::new();
        for slot in 0..1_000_u32 {
            queue.schedule(slot, at(u64::from(slot)));
        }
        let portions: Vec<usize> =
            (0..17).map(|_| popped(&mut queue, u64::MAX, 64).len()).collect();
        assert_eq!(portions[..15], [64; 15]);
        assert_eq!(portions[15..], [40, 0]);
    }

    #[test]
    fn memory_follows_the_slots_not_the_wishes() {
        let mut queue = Queue::new();
        for n in 0..100_000_u64 {
            queue.schedule((n % 10) as u32, at(n));
            assert!(queue.heap.len() <= 10);
        }
        for slot in 0..100_000 {
            queue.schedule(slot, at(1));
        }
        for slot in 0..100_000 {
            queue.cancel(slot);
        }
        assert!(queue.heap.capacity() < 1_000 && queue.places.capacity() < 1_000);
    }

    #[test]
    fn a_million_entries_are_no_trouble() {
        let mut queue = Queue::new();
        // A full-period generator: every slot once, in no order of time.
        let due = |slot: u32| (u64::from(slot) * 7_919) % 1_000_003;
        for slot in 0..1_000_000 {
            queue.schedule(slot, at(due(slot)));
        }
        let bounds = [at(0), at(500_000), at(2_000_000)];
        let before = queue.due_before(&bounds);
        assert_eq!((before[0], before[2]), (0, 1_000_000));
        assert_eq!(before[1], queue.n_due(at(499_999)));
        let popped = popped(&mut queue, u64::MAX, usize::MAX);
        assert_eq!(popped.len(), 1_000_000);
        assert!(popped.windows(2).all(|two| due(two[0]) <= due(two[1])));
    }

    #[test]
    fn any_series_of_calls_agrees_with_a_plain_table() {
        let mut queue = Queue::new();
        let mut table = std::collections::BTreeMap::new();
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (slot, due, act) = ((state >> 58) as u32, (state >> 40) & 0xff, (state >> 32) & 3);
            match act {
                0 => assert_eq!(queue.cancel(slot), table.remove(&slot).is_some()),
                1 => {
                    for (popped, was_due) in queue.pop_due(at(due), 3) {
                        let was = table.remove(&popped);
                        assert!(was.is_some_and(|was| was <= due && was_due == at(was)));
                        assert!(table.values().all(|at| Some(*at) >= was));
                    }
                }
                _ => {
                    queue.schedule(slot, at(due));
                    table.insert(slot, due);
                }
            }
            assert_eq!(queue.next_due(), table.values().min().map(|due| at(*due)));
            assert_eq!(queue.len(), table.len());
            assert_eq!(queue.n_due(at(due)), table.values().filter(|at| **at <= due).count());
            assert_eq!(queue.due_of(slot), table.get(&slot).map(|due| at(*due)));
        }
    }
}
