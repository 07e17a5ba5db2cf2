//! Who exists: every session by its key, and by a small number while it lives.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

use countersign_core::KeyDigest;

use crate::cell::Cell;
use crate::table::Table;

/// The sessions of a keeper. It holds none of them.
#[derive(Default)]
pub(crate) struct Registry {
    slots: Vec<Weak<Cell>>,
    /// Of the key of each.
    hashes: Vec<u32>,
    free: Vec<u32>,
    by_key: Table,
    hasher: RandomState,
}

impl Registry {
    /// Those whose key may be this one, which are few. They are let go of after the lock: a session that
    /// goes looks for itself here.
    pub(crate) fn candidates(&self, key: &KeyDigest) -> Vec<Arc<Cell>> {
        let hashes = &self.hashes;
        let numbers = self.by_key.of(self.hash(key), |slot| hashes[slot as usize]);
        numbers.filter_map(|slot| self.at(slot)).collect()
    }

    pub(crate) fn at(&self, slot: u32) -> Option<Arc<Cell>> {
        self.slots.get(slot as usize).and_then(Weak::upgrade)
    }

    /// Takes a session in, perhaps beside one of the same key that is about to go; its number.
    pub(crate) fn insert(&mut self, key: &KeyDigest, cell: Weak<Cell>) -> u32 {
        let hash = self.hash(key);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = cell;
                self.hashes[slot as usize] = hash;
                slot
            }
            None => {
                self.slots.push(cell);
                self.hashes.push(hash);
                // Four billion sessions do not fit into any memory.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let hashes = &self.hashes;
        self.by_key.insert(slot, |slot| hashes[slot as usize]);
        slot
    }

    /// The session with this number has gone.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        *place = Weak::new();
        self.free.push(slot);
        let hashes = &self.hashes;
        self.by_key.remove(slot, |slot| hashes[slot as usize]);
        if self.by_key.len() == 0 {
            // A volley of sessions that left must not hold its memory for ever.
            *self = Self::default();
        }
    }

    /// The sessions with `most` numbers from `first` on, and whether there are numbers behind those.
    pub(crate) fn numbered(&self, first: u32, most: u32) -> (Vec<Arc<Cell>>, bool) {
        let behind = self.slots.get(first as usize..).unwrap_or_default();
        let (some, rest) = behind.split_at(behind.len().min(most as usize));
        (some.iter().filter_map(Weak::upgrade).collect(), !rest.is_empty())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Cell>> {
        self.slots.iter().filter_map(Weak::upgrade)
    }

    pub(crate) const fn len(&self) -> usize {
        self.by_key.len()
    }

    fn hash(&self, key: &KeyDigest) -> u32 {
        // The low half is as good as the rest.
        self.hasher.hash_one(key) as u32
    }
}
