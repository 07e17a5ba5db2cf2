//! Whose record it is, while it is sealed.

use countersign_core::{AccountKey, KeyDigest, SessionKey, StoredKey};

use crate::stored::Who;

/// A key that a record can have.
pub(crate) trait Owner {
    /// As a record says it.
    fn who(&self) -> Who<'_>;

    /// What the record is bound to.
    fn digest(&self) -> KeyDigest;
}

impl Owner for AccountKey {
    fn who(&self) -> Who<'_> {
        self.into()
    }

    fn digest(&self) -> KeyDigest {
        self.digest()
    }
}

impl Owner for SessionKey {
    fn who(&self) -> Who<'_> {
        self.into()
    }

    fn digest(&self) -> KeyDigest {
        self.digest()
    }
}

impl Owner for StoredKey {
    fn who(&self) -> Who<'_> {
        self.into()
    }

    fn digest(&self) -> KeyDigest {
        self.digest()
    }
}
