//! What a store's keys are used for.

use std::fmt;

use countersign_core::{
    AccountKey, Error, KeyDigest, RecordName, SealKeys, SecretBytes, SessionKey, StoredKey,
};

use crate::account::AccountRecord;
use crate::fault;
use crate::format::RecordFormat;
use crate::header::Header;
use crate::keys::Purpose;
use crate::readers::Readers;
use crate::session::SessionRecord;
use crate::stored::{ForReaders, Record};
use crate::vault::Vault;

/// Seals and opens the records of one store, and names them.
///
/// The first of the seal keys seals; each of them opens. Names and the salt come from the seal key
/// **with the lowest id**: a rotation puts a new key with a higher id in front and keeps the old one
/// for opening, so that every record is found under the name that it always had. A store whose lowest
/// key is taken away is another store.
#[derive(Clone)]
pub struct Sealer {
    vault: Vault,
    readers: Option<Readers>,
    format: RecordFormat,
}

/// A record that was found by listing a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Found {
    /// That of a session.
    Session(StoredKey, Box<SessionRecord>),
    /// That of an account.
    Account(StoredKey, AccountRecord),
    /// The part of a session's record that readers get.
    ForReaders(StoredKey, Box<SessionRecord>),
}

impl Found {
    /// Whose it is.
    pub const fn key(&self) -> &StoredKey {
        match self {
            Self::Session(key, _) | Self::Account(key, _) | Self::ForReaders(key, _) => key,
        }
    }
}

impl Sealer {
    /// A sealer with the keys of a store ([`countersign_core::SessionStore::seal_keys`]). It writes the
    /// newest format.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`], with the code `bad_key` if a key is not 32 bytes long, no
    /// id is below 65536, or a readers' key is also one that opens everything; `readers_only` if there
    /// are readers' keys alone (see [`Readers`]).
    pub fn new(keys: SealKeys) -> Result<Self, Error> {
        let readers = Readers::new(&keys)?;
        Ok(Self {
            vault: Vault::new(keys, Purpose::Whole)?,
            readers,
            format: RecordFormat::default(),
        })
    }

    /// The same, writing `format`: as long as a program that reads only this one shares the store.
    #[must_use]
    pub const fn writing(mut self, format: RecordFormat) -> Self {
        self.format = format;
        if let Some(readers) = &mut self.readers {
            readers.format = format;
        }
        self
    }

    /// The name of the record of `key`: HMAC-SHA256, cut to 128 bits. An e-mail address can be guessed
    /// from a plain hash; from this only by who has the seal key.
    pub fn name(&self, key: &KeyDigest) -> RecordName {
        self.vault.name(key)
    }

    /// The salt for fingerprints of passwords, a secret of the store.
    pub fn salt(&self) -> &[u8] {
        self.vault.salt().expose_bytes()
    }

    /// Whether both give every record the same name: their lowest key is one. Keys that do not belong to
    /// another store.
    pub fn names_like(&self, other: &Self) -> bool {
        self.vault.names_like(&other.vault)
    }

    /// Whether `sealed` says that a key with a higher id seals than the one that seals here: where keys are rotated
    /// as they should be, somebody has put a newer one in front. Proved by nothing until it is opened.
    pub fn is_behind(&self, sealed: &[u8]) -> bool {
        let theirs = Header::split(sealed).ok().map(|(header, _)| header);
        let own = theirs.filter(|header| header.kind != ForReaders::KIND);
        own.is_some_and(|header| Some(header.key) > self.vault.sealing())
    }

    /// What readers get, if the store has keys for them.
    pub const fn readers(&self) -> Option<&Readers> {
        self.readers.as_ref()
    }

    /// Seals the record of the session `key`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the system gives no random bytes.
    pub fn seal_session(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
    ) -> Result<SecretBytes, Error> {
        self.seal_session_as(&self.name(&key.digest()), key, record)
    }

    /// The same where the name of its record is known, which saves making it again.
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_session_as(
        &self,
        name: &RecordName,
        key: &SessionKey,
        record: &SessionRecord,
    ) -> Result<SecretBytes, Error> {
        self.vault.seal(self.format, key, name, record)
    }

    /// The same for a session that is known by its record only ([`Sealer::open_found`]).
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_session_of(
        &self,
        key: &StoredKey,
        record: &SessionRecord,
    ) -> Result<SecretBytes, Error> {
        self.vault.seal(self.format, key, &self.name(&key.digest()), record)
    }

    /// Opens the record of the session `key`.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`], with one of these codes ([`Error::code`]): `damaged`;
    /// `unknown_key` (sealed with a key that is not ours); `newer_version` (never overwrite that
    /// one); `foreign` (sealed for another account, session or store).
    pub fn open_session(&self, key: &SessionKey, sealed: &[u8]) -> Result<SessionRecord, Error> {
        self.vault.open(&key.into(), sealed)
    }

    /// Seals the record of the account `key`.
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_account(
        &self,
        key: &AccountKey,
        record: &AccountRecord,
    ) -> Result<SecretBytes, Error> {
        self.seal_account_as(&self.name(&key.digest()), key, record)
    }

    /// The same where the name of its record is known, which saves making it again.
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_account_as(
        &self,
        name: &RecordName,
        key: &AccountKey,
        record: &AccountRecord,
    ) -> Result<SecretBytes, Error> {
        self.vault.seal(self.format, key, name, record)
    }

    /// The same for an account that is known by a record only ([`Sealer::open_found`]).
    ///
    /// # Errors
    /// See [`Sealer::seal_session`].
    pub fn seal_account_of(
        &self,
        key: &StoredKey,
        record: &AccountRecord,
    ) -> Result<SecretBytes, Error> {
        let key = key.account();
        self.vault.seal(self.format, &key, &self.name(&key.digest()), record)
    }

    /// Opens the record of the account `key`.
    ///
    /// # Errors
    /// See [`Sealer::open_session`].
    pub fn open_account(&self, key: &AccountKey, sealed: &[u8]) -> Result<AccountRecord, Error> {
        self.vault.open(&key.into(), sealed)
    }

    /// Opens a record that was found under `name`, whatever it is and whosever it is.
    ///
    /// # Errors
    /// As [`Sealer::open_session`], and the code `unnamed` if it is of format 1: that does not say whose
    /// it is, and opens by its key only.
    pub fn open_found(&self, name: &RecordName, sealed: &[u8]) -> Result<Found, Error> {
        let (header, _) = Header::split(sealed)?;
        match header.kind {
            SessionRecord::KIND => {
                let (key, record) = self.vault.open_found(name, sealed)?;
                Ok(Found::Session(key, Box::new(record)))
            }
            AccountRecord::KIND => {
                let (key, record) = self.vault.open_found(name, sealed)?;
                Ok(Found::Account(key, record))
            }
            ForReaders::KIND => {
                let readers =
                    self.readers().ok_or_else(|| fault::unknown_readers_key(header.key))?;
                let (key, record) = readers.open_found(name, sealed)?;
                Ok(Found::ForReaders(key, Box::new(record)))
            }
            _ => Err(fault::newer()),
        }
    }

    /// The record found under `name`, sealed anew with the key that seals now and otherwise as it is, also
    /// what a newer version keeps in it; `None` if that key seals it already.
    ///
    /// # Errors
    /// As [`Sealer::open_found`].
    pub fn reseal(&self, name: &RecordName, sealed: &[u8]) -> Result<Option<SecretBytes>, Error> {
        let (header, _) = Header::split(sealed)?;
        match (header.kind, self.readers()) {
            (ForReaders::KIND, Some(readers)) => readers.reseal(name, sealed),
            (ForReaders::KIND, None) => Err(fault::unknown_readers_key(header.key)),
            _ => self.vault.reseal(name, sealed),
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("sealing", &self.vault.sealing())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
