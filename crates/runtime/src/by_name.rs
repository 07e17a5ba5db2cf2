//! How records are found by their names.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps from names of records. A name is a hash under a key already, so that nobody can choose names that
/// fall together, and hashing it once more would be most of a look into the map.
pub(crate) type ByName = BuildHasherDefault<Digits>;

/// Takes 32 hexadecimal digits, eight at a time.
#[derive(Default)]
pub(crate) struct Digits(u64);

/// An odd number without order in its bits: the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Digits {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        let step = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(SPREAD);
        let sum = words.iter().map(|word| u64::from_le_bytes(*word)).fold(self.0, step);
        self.0 = rest.iter().map(|byte| u64::from(*byte)).fold(sum, step);
    }

    /// Maps look at the first bits and at the last ones; digits differ in half of theirs.
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use countersign_core::RecordName;

    use super::*;

    #[test]
    fn names_spread_over_both_ends_of_a_hash() {
        let hashes: Vec<u64> = (0..4096_u64)
            .map(|n| {
                // As a hash is, and one without any order that differs in one byte only.
                let mut hash = [7; 16];
                hash[..8].copy_from_slice(&(n << 20).to_le_bytes());
                ByName::default().hash_one(RecordName::from_hash(hash))
            })
            .collect();
        let first: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
        let last: HashSet<u64> = hashes.iter().map(|hash| hash & 4095).collect();
        assert_eq!(first.len(), 128);
        assert!(last.len() > 2300, "{}", last.len());
    }
}
