//! The keys that seal what a store keeps.

use crate::secret::SecretBytes;

/// Keys that seal records: each has an id, the first one seals, all open.
///
/// A store can also have *readers' keys*, with ids of their own: a second, smaller record of each session
/// is sealed with them, for replicas that may use tokens and not renew them. Such a replica has the
/// readers' keys alone ([`SealKeys::for_readers`]); nothing that can spend or end a session opens with
/// them.
#[derive(Clone, Debug)]
pub struct SealKeys {
    keys: Vec<(u32, SecretBytes)>,
    readers: Vec<(u32, SecretBytes)>,
}

impl SealKeys {
    /// One key of 32 bytes.
    pub fn new(id: u32, key: SecretBytes) -> Self {
        Self { keys: vec![(id, key)], readers: Vec::new() }
    }

    /// One readers' key of 32 bytes, and none that opens more: what a replica has that only reads.
    pub fn for_readers(id: u32, key: SecretBytes) -> Self {
        Self { keys: Vec::new(), readers: vec![(id, key)] }
    }

    /// Adds a key that opens older records.
    #[must_use]
    pub fn also(mut self, id: u32, key: SecretBytes) -> Self {
        self.keys.push((id, key));
        self
    }

    /// Adds a readers' key: the first seals what readers get, the others open older records.
    #[must_use]
    pub fn also_for_readers(mut self, id: u32, key: SecretBytes) -> Self {
        self.readers.push((id, key));
        self
    }

    /// The key that seals; `None` for whoever only reads.
    pub fn sealing(&self) -> Option<(u32, &SecretBytes)> {
        self.keys.first().map(|(id, key)| (*id, key))
    }

    /// The key of an id.
    pub fn opening(&self, id: u32) -> Option<&SecretBytes> {
        self.keys.iter().find(|(known, _)| *known == id).map(|(_, key)| key)
    }

    /// The ids of the keys, that of the sealing one first.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// The readers' keys as seal keys of their own, the sealing one first; `None` if there are none.
    #[must_use]
    pub fn readers(&self) -> Option<Self> {
        let keys = self.readers.clone();
        (!keys.is_empty()).then_some(Self { keys, readers: Vec::new() })
    }
}
