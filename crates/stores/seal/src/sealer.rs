//! Records to sealed bytes and back.

use std::fmt;

use countersign_core::{Error, KeyDigest, RecordName, SealKeys, SecretBytes};

use crate::account::AccountRecord;
use crate::header::{Header, NONCE};
use crate::keys::NamingKey;
use crate::session::SessionRecord;
use crate::stored::Record;
use crate::{cipher, fault, keys};

/// Seals and opens the records of one store, and names them.
///
/// The first of the seal keys seals; each of them opens. Names and the salt come from the seal key
/// **with the lowest id**: a rotation puts a new key with a higher id in front and keeps the old one
/// for opening, so that every record is found under the name that it always had. A store whose lowest
/// key is taken away is another store.
#[derive(Clone)]
pub struct Sealer {
    keys: SealKeys,
    naming: NamingKey,
}

impl Sealer {
    /// A sealer with the keys of a store ([`countersign_core::SessionStore::seal_keys`]).
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if a key is not 32 bytes long or no id is below 65536.
    pub fn new(keys: SealKeys) -> Result<Self, Error> {
        keys::cipher_key(keys.sealing().1)?;
        let naming = NamingKey::new(&keys)?;
        Ok(Self { keys, naming })
    }

    /// The name of the record of `key`: HMAC-SHA256, cut to 128 bits. An e-mail address can be guessed
    /// from a plain hash; from this only by who has the seal key.
    pub fn name(&self, key: &KeyDigest) -> RecordName {
        RecordName::from_hash(self.naming.hash(key))
    }

    /// The salt for fingerprints of passwords, a secret of the store.
    pub fn salt(&self) -> &[u8] {
        self.naming.salt().expose_bytes()
    }

    /// Seals the record of the session `key`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the system gives no random bytes.
    pub fn seal_session(
        &self,
        key: &KeyDigest,
        record: &SessionRecord,
    ) -> Result<SecretBytes, Error> {
        self.seal(key, record)
    }

    /// Opens the record of the session `key`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`], with one of these codes ([`Error::code`]): `damaged`;
    /// `unknown_key` (sealed with a key that is not ours); `newer_version` (never overwrite that
    /// one); `foreign` (sealed for another account, session or store).
    pub fn open_session(&self, key: &KeyDigest, sealed: &[u8]) -> Result<SessionRecord, Error> {
        self.open(key, sealed)
    }

    /// Seals the record of the account `key`.
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_account(
        &self,
        key: &KeyDigest,
        record: &AccountRecord,
    ) -> Result<SecretBytes, Error> {
        self.seal(key, record)
    }

    /// Opens the record of the account `key`.
    ///
    /// # Errors
    /// See [`Sealer::open_session`].
    pub fn open_account(&self, key: &KeyDigest, sealed: &[u8]) -> Result<AccountRecord, Error> {
        self.open(key, sealed)
    }

    fn seal<R: Record>(&self, key: &KeyDigest, record: &R) -> Result<SecretBytes, Error> {
        let plain = record.write().map_err(|_| fault::unwritable())?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(fault::no_randomness)?;
        let (id, seal_key) = self.keys.sealing();
        let header = Header { kind: R::KIND, key: id, name: self.naming.hash(key), nonce };
        cipher::seal(&keys::cipher_key(seal_key)?, header, key, &plain)
    }

    fn open<R: Record>(&self, key: &KeyDigest, sealed: &[u8]) -> Result<R, Error> {
        let (header, body) = Header::split(sealed)?;
        let seal_key =
            self.keys.opening(header.key).ok_or_else(|| fault::unknown_key(header.key))?;
        if header.kind != R::KIND || header.name != self.naming.hash(key) {
            return Err(fault::foreign());
        }
        let plain = cipher::open(&keys::cipher_key(seal_key)?, header, key, body)?;
        // It opened, so we or a later version of us wrote it.
        R::read(&plain).map_err(|_| fault::newer())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("sealing", &self.keys.sealing().0).finish_non_exhaustive()
    }
}
