//! The seam to where sessions are kept. Stores move opaque sealed bytes.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind};
use crate::seal_keys::SealKeys;
use crate::secret::SecretBytes;

/// Keeps sealed records, locks them, and lets one writer win.
///
/// A record has a *revision*, which every write raises. A write names the revision that it replaces
/// and, where a lock is held, the lock's fencing number; if either is outdated, nothing is written and
/// the winner's record comes back.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// The record called `name`. One that was damaged is still there: it comes as what is left of it, and its
    /// seal tells. A store never answers that there is none because it cannot read one, and moves none by
    /// itself: what an account must be spared would be forgotten with it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] with the remedy; so do all methods.
    async fn load(&self, name: &RecordName) -> Result<Option<StoredRecord>, Error>;

    /// Several records at once, in the order of `names`.
    ///
    /// # Errors
    /// See [`SessionStore::load`].
    async fn load_many(&self, names: &[RecordName]) -> Result<Vec<Option<StoredRecord>>, Error> {
        let mut records = Vec::with_capacity(names.len());
        for name in names {
            records.push(self.load(name).await?);
        }
        Ok(records)
    }

    /// The names of all records.
    ///
    /// # Errors
    /// See [`SessionStore::load`].
    async fn list(&self) -> Result<Vec<RecordName>, Error>;

    /// Takes the lock called `name`, waiting at most `wait`. It is held for `lease` and may be renewed;
    /// it ends by itself when its holder dies. Locks are per name and exclude sessions of one process
    /// as well as processes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] with [`crate::Recovery::Retry`] if somebody else holds it, named
    /// where that is known.
    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error>;

    /// Replaces the record of revision `expected` ([`Revision::NONE`]: there must be none) by `bytes`.
    ///
    /// # Errors
    /// See [`SessionStore::load`].
    async fn commit(
        &self,
        name: &RecordName,
        expected: Revision,
        fence: Option<Fence>,
        bytes: SecretBytes,
    ) -> Result<Committed, Error>;

    /// Removes the record of revision `expected`, if it still has it; true if it did.
    ///
    /// # Errors
    /// See [`SessionStore::load`].
    async fn remove(&self, name: &RecordName, expected: Revision) -> Result<bool, Error>;

    /// Moves the record of revision `expected` out of the way and keeps its bytes, for whoever may want to
    /// look at them; true if it still had that revision. From then on there is no record of that name.
    /// Asked for a record that is there and whose seal is broken: for that of a session before another is
    /// written in its place, for that of an account by a person alone.
    ///
    /// # Errors
    /// See [`SessionStore::load`]; a store that cannot do this says so, and the record stays.
    async fn set_aside(&self, name: &RecordName, expected: Revision) -> Result<bool, Error> {
        let _ = expected;
        Err(Error::new(ErrorKind::Store).with_code("no_place_aside").hint(format!(
            "the record {name} is damaged, and this store has no place to set it aside; remove it from \
             the store, then sign in again"
        )))
    }

    /// Waits until something may have changed and names it; `None` if this store cannot tell. Only a
    /// hint: what counts is the record that is then read.
    async fn watch(&self) -> Option<RecordName> {
        None
    }

    /// Where the record called `name` lies, in words for a person who has to look after it.
    fn place(&self, name: &RecordName) -> String {
        format!("the record {name}")
    }

    /// The keys that seal what this store keeps: several open, the first one seals.
    ///
    /// # Errors
    /// See [`SessionStore::load`].
    async fn seal_keys(&self) -> Result<SealKeys, Error>;
}

/// A lock that is held. Dropping it lets it go.
#[async_trait]
pub trait Lock: Send + Sync {
    /// Names this taking of the lock; a write under an older one is refused.
    fn fence(&self) -> Fence;

    /// Whether it is still ours for at least `span` longer. Checked before something is sent that
    /// cannot be taken back.
    fn held_for(&self, span: Duration) -> bool;

    /// Lengthens the lease to `lease` from now; false if it was lost.
    async fn renew(&mut self, lease: Duration) -> bool;

    /// Lets it go, if it is still ours.
    async fn release(self: Box<Self>);
}

/// The name of a record: a hash of a key under a key of the store, 32 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName([u8; DIGITS]);

/// Of a hash of 16 bytes.
const DIGITS: usize = 32;

impl RecordName {
    /// The name for `hash`.
    pub fn from_hash(hash: [u8; 16]) -> Self {
        let mut digits = [0; DIGITS];
        data_encoding::HEXLOWER.encode_mut(&hash, &mut digits);
        Self(digits)
    }

    /// A name read back from a store; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = <[u8; DIGITS]>::try_from(text.as_bytes()).ok()?;
        let good = digits.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        good.then_some(Self(digits))
    }

    /// The hash that it is made of.
    pub fn to_hash(&self) -> [u8; 16] {
        let mut hash = [0; DIGITS / 2];
        // They are digits, as both constructors see to.
        let _ = data_encoding::HEXLOWER.decode_mut(&self.0, &mut hash);
        hash
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Digits are text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Raised by every write to a record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// There is no record.
    pub const NONE: Self = Self(0);
}

/// Which lock a write is made under, and the number of that taking: it rises with every lock taken
/// under a name. Records are written under the lock of another name too: the lock of an account
/// guards the records of its sessions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Fence {
    lock: RecordName,
    number: u64,
}

impl Fence {
    /// The taking `number` of the lock called `lock`.
    pub const fn new(lock: RecordName, number: u64) -> Self {
        Self { lock, number }
    }

    /// The name under which the lock was taken.
    pub const fn lock(&self) -> &RecordName {
        &self.lock
    }

    /// Rises with every lock taken under this name.
    pub const fn number(&self) -> u64 {
        self.number
    }
}

/// A record as a store keeps it.
#[derive(Clone, Debug)]
pub struct StoredRecord {
    /// Which write made it.
    pub revision: Revision,
    /// Sealed bytes.
    pub bytes: SecretBytes,
}

/// How a write ended.
#[derive(Clone, Debug)]
pub enum Committed {
    /// It is written, and this is its revision.
    Done(Revision),
    /// Somebody else was first; this is what is there now.
    Lost(Option<StoredRecord>),
}
