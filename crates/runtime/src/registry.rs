//! Who exists: every session by its key, and by a small number while it lives.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use countersign_core::KeyDigest;

use crate::cell::Cell;

/// The sessions of a keeper. It holds none of them.
#[derive(Default)]
pub(crate) struct Registry {
    slots: Vec<Weak<Cell>>,
    free: Vec<u32>,
    by_key: HashMap<KeyDigest, u32>,
}

impl Registry {
    pub(crate) fn find(&self, key: &KeyDigest) -> Option<Arc<Cell>> {
        self.by_key.get(key).and_then(|slot| self.at(*slot))
    }

    pub(crate) fn at(&self, slot: u32) -> Option<Arc<Cell>> {
        self.slots.get(slot as usize).and_then(Weak::upgrade)
    }

    /// Takes a session in, in the place of one of the same key that is about to go; its number.
    pub(crate) fn insert(&mut self, key: KeyDigest, cell: Weak<Cell>) -> u32 {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = cell;
                slot
            }
            None => {
                self.slots.push(cell);
                // Four billion sessions do not fit into any memory.
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.by_key.insert(key, slot);
        slot
    }

    /// The session with this number has gone.
    pub(crate) fn remove(&mut self, key: &KeyDigest, slot: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        *place = Weak::new();
        self.free.push(slot);
        if self.by_key.get(key) == Some(&slot) {
            self.by_key.remove(key);
        }
        if self.by_key.is_empty() {
            // A volley of sessions that left must not hold its memory for ever.
            *self = Self::default();
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Cell>> {
        self.slots.iter().filter_map(Weak::upgrade)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyDigest> {
        self.by_key.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }
}
