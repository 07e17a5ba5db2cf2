//! What replicas get that may use tokens and not renew them.

use std::fmt;

use countersign_core::{
    Error, KeyDigest, RecordName, SealKeys, SecretBytes, SessionKey, StoredKey,
};

use crate::fault;
use crate::format::RecordFormat;
use crate::keys::Purpose;
use crate::session::SessionRecord;
use crate::stored::ForReaders;
use crate::vault::Vault;

/// Seals and opens the part of a session's record that readers get: the access token and the ID token
/// with what is known about them, and whether the session was ended. There is no refresh token in it, no
/// journal, no challenge, nothing of the adapter's own facts, and nothing that this version does not
/// know.
///
/// It is a record of its own, under a name of its own, sealed with the readers' keys of the store
/// ([`SealKeys::also_for_readers`]). Whoever has these keys alone can neither find nor open the records
/// that hold more.
#[derive(Clone)]
pub struct Readers {
    vault: Vault,
    pub(crate) format: RecordFormat,
}

impl Readers {
    /// With the readers' keys among `keys`; `None` if there are none.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the code `bad_key` if such a key is not 32 bytes long,
    /// no id is below 65536, or one is also a key that opens everything.
    pub fn new(keys: &SealKeys) -> Result<Option<Self>, Error> {
        let Some(readers) = keys.readers() else { return Ok(None) };
        let of = |keys: &SealKeys| -> Vec<SecretBytes> {
            keys.ids().filter_map(|id| keys.opening(id).cloned()).collect()
        };
        let whole = of(keys);
        if of(&readers).iter().any(|key| whole.iter().any(|other| other.matches(key))) {
            return Err(fault::bad_keys(
                "a readers' key is one that opens everything too; draw another one for readers",
            ));
        }
        let vault = Vault::new(readers, Purpose::Readers)?;
        Ok(Some(Self { vault, format: RecordFormat::default() }))
    }

    /// The name of the readers' record of the session `key`; another one than [`crate::Sealer::name`].
    pub fn name(&self, key: &KeyDigest) -> RecordName {
        self.vault.name(key)
    }

    /// Whether both give every record the same name: their lowest key is one.
    pub fn names_like(&self, other: &Self) -> bool {
        self.vault.names_like(&other.vault)
    }

    /// Seals for readers what they get of `record`, which is that of the session `key`.
    ///
    /// # Errors
    /// See [`crate::Sealer::seal_session`].
    pub fn seal(&self, key: &SessionKey, record: &SessionRecord) -> Result<SecretBytes, Error> {
        self.seal_of(&key.into(), record)
    }

    /// The same for a session that is known by its record only ([`crate::Sealer::open_found`]).
    ///
    /// # Errors
    /// See [`crate::Sealer::seal_session`].
    pub fn seal_of(&self, key: &StoredKey, record: &SessionRecord) -> Result<SecretBytes, Error> {
        // Nothing was written for readers before there was the second format.
        let format = self.format.max(RecordFormat::V2);
        self.vault.seal(format, key, &self.name(&key.digest()), &ForReaders::of(record))
    }

    /// Opens what was sealed for the readers of the session `key`.
    ///
    /// # Errors
    /// See [`crate::Sealer::open_session`].
    pub fn open(&self, key: &SessionKey, sealed: &[u8]) -> Result<SessionRecord, Error> {
        self.vault.open(&key.into(), sealed).map(ForReaders::into_record)
    }

    /// Opens what was found under `name`, whosever it is.
    ///
    /// # Errors
    /// See [`crate::Sealer::open_session`]. Records that are not for readers are `foreign` or of an
    /// `unknown_key`.
    pub fn open_found(
        &self,
        name: &RecordName,
        sealed: &[u8],
    ) -> Result<(StoredKey, SessionRecord), Error> {
        let (key, record) = self.vault.open_found(name, sealed)?;
        Ok((key, ForReaders::into_record(record)))
    }

    pub(crate) fn reseal(
        &self,
        name: &RecordName,
        sealed: &[u8],
    ) -> Result<Option<SecretBytes>, Error> {
        self.vault.reseal(name, sealed)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("sealing", &self.vault.sealing()).finish_non_exhaustive()
    }
}
