//! Numbers by the hash of what they stand for, four bytes a place: a million sessions are in it.

/// A place that holds no number.
const EMPTY: u32 = u32::MAX;

/// As few places as there are at all.
const FEWEST: usize = 8;

/// A hash table with open addressing, whose owner knows the hash of each number. Several numbers may have
/// the same hash.
#[derive(Default)]
pub(crate) struct Table {
    /// A power of two of them, or none.
    places: Vec<u32>,
    numbers: usize,
}

impl Table {
    /// The numbers whose hash this is.
    pub(crate) fn of(&self, hash: u32, hash_of: impl Fn(u32) -> u32) -> impl Iterator<Item = u32> {
        self.from(hash).map(|at| self.places[at]).filter(move |number| hash_of(*number) == hash)
    }

    /// Adds a number that is not in it.
    pub(crate) fn insert(&mut self, number: u32, hash_of: impl Fn(u32) -> u32) {
        if (self.numbers + 1) * 4 > self.places.len() * 3 {
            let larger = (self.places.len() * 2).max(FEWEST);
            let before = std::mem::replace(&mut self.places, vec![EMPTY; larger]);
            before.into_iter().filter(|n| *n != EMPTY).for_each(|n| self.put(n, hash_of(n)));
        }
        self.put(number, hash_of(number));
        self.numbers += 1;
    }

    /// Takes a number out; nothing if it is not in it.
    pub(crate) fn remove(&mut self, number: u32, hash_of: impl Fn(u32) -> u32) {
        let found = self.from(hash_of(number)).find(|at| self.places[*at] == number);
        let Some(mut hole) = found else { return };
        self.numbers -= 1;
        // Whoever stands behind the hole and may stand in it moves up: no mark of what was there is left.
        let mask = self.places.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let next = self.places[at];
            if next == EMPTY {
                break;
            }
            let wished = hash_of(next) as usize & mask;
            if at.wrapping_sub(wished) & mask >= at.wrapping_sub(hole) & mask {
                self.places[hole] = next;
                hole = at;
            }
        }
        self.places[hole] = EMPTY;
    }

    pub(crate) const fn len(&self) -> usize {
        self.numbers
    }

    /// The places from the wished one on, up to the first empty one: there is always one.
    fn from(&self, hash: u32) -> impl Iterator<Item = usize> {
        let mask = self.places.len().wrapping_sub(1);
        let all = (0..self.places.len()).map(move |step| (hash as usize).wrapping_add(step) & mask);
        all.take_while(|at| self.places[*at] != EMPTY)
    }

    fn put(&mut self, number: u32, hash: u32) {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.places[at] = number;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Against a set, with hashes that are good, that meet, and that lie at the end.
    #[test]
    fn it_holds_what_a_set_holds() {
        let hashes: [fn(u32) -> u32; 4] =
            [|n| n.wrapping_mul(0x9e37_79b9), |n| n % 7, |n| u32::MAX - n % 3, |_| 5];
        for hash_of in hashes {
            let (mut table, mut set) = (Table::default(), BTreeSet::new());
            let mut state = 1_u32;
            for _ in 0..3_000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let number = state >> 24;
                if state & 0x8000 == 0 {
                    if set.insert(number) {
                        table.insert(number, hash_of);
                    }
                } else {
                    set.remove(&number);
                    table.remove(number, hash_of);
                }
                assert_eq!(table.len(), set.len());
            }
            for number in 0..256 {
                let found: Vec<u32> = table.of(hash_of(number), hash_of).collect();
                assert_eq!(found.contains(&number), set.contains(&number), "{number}");
                assert!(found.iter().all(|other| hash_of(*other) == hash_of(number)));
                let once: BTreeSet<u32> = found.iter().copied().collect();
                assert_eq!(once.len(), found.len());
            }
            assert!(
                table.places.len() <= 512,
                "it grows with what it holds, not with what it held"
            );
        }
    }

    #[test]
    fn an_empty_one_has_nothing() {
        let mut table = Table::default();
        assert_eq!(table.of(3, |n| n).count(), 0);
        table.remove(3, |n| n);
        assert_eq!((table.len(), table.places.len()), (0, 0));
    }
}
