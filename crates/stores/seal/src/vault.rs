//! Keys of one purpose at work: records to sealed bytes and back.

use countersign_core::{
    Error, KeyDigest, RecordName, SealKeys, SecretBuffer, SecretBytes, StoredKey,
};
use zeroize::Zeroizing;

use crate::cipher::{self, TAG};
use crate::fault;
use crate::format::RecordFormat;
use crate::header::{Header, LENGTH, NONCE};
use crate::keys::{self, Key, NamingKey, Purpose};
use crate::owner::Owner;
use crate::stored::{Record, Unreadable, Who};

/// Seal keys with their purpose.
#[derive(Clone)]
pub(crate) struct Vault {
    keys: SealKeys,
    naming: NamingKey,
    purpose: Purpose,
    /// What the cipher takes of the key that seals.
    cipher: Key,
}

impl Vault {
    pub(crate) fn new(keys: SealKeys, purpose: Purpose) -> Result<Self, Error> {
        let (_, sealing) = keys.sealing().ok_or_else(fault::readers_only)?;
        let cipher = keys::cipher_key(sealing, purpose)?;
        let naming = NamingKey::new(&keys, purpose)?;
        Ok(Self { keys, naming, purpose, cipher })
    }

    pub(crate) fn name(&self, digest: &KeyDigest) -> RecordName {
        RecordName::from_hash(self.naming.hash(digest))
    }

    pub(crate) const fn salt(&self) -> &SecretBytes {
        self.naming.salt()
    }

    /// Whether both give every record the same name.
    pub(crate) fn names_like(&self, other: &Self) -> bool {
        self.naming.salt().matches(other.naming.salt())
    }

    /// The id of the key that seals.
    pub(crate) fn sealing(&self) -> Option<u32> {
        self.keys.sealing().map(|(id, _)| id)
    }

    /// `name` is that of the owner's record.
    pub(crate) fn seal<R: Record>(
        &self,
        format: RecordFormat,
        owner: &impl Owner,
        name: &RecordName,
        record: &R,
    ) -> Result<SecretBytes, Error> {
        debug_assert_eq!(*name, self.name(&owner.digest()));
        let (who, digest) = match format.names_owner() {
            true => (Some(owner.who()), None),
            false => (None, Some(owner.digest())),
        };
        let name = name.to_hash();
        let facts = Header { format, kind: R::KIND, key: 0, name, nonce: [0; NONCE] };
        let length = record.length(format) + who.as_ref().map_or(0, Who::length);
        self.encrypt(facts, digest.as_ref(), length, |plain| record.write(format, who, plain))
    }

    /// The record of `owner`.
    pub(crate) fn open<R: Record>(&self, owner: &StoredKey, sealed: &[u8]) -> Result<R, Error> {
        let (header, body) = Header::split(sealed)?;
        let digest = owner.digest();
        let plain = self.decrypt(header, Some(&digest), body, |header| {
            header.kind == R::KIND && header.name == self.naming.hash(&digest)
        })?;
        let (record, who) = read(&plain)?;
        let right = !header.format.names_owner() || who.as_ref() == Some(owner);
        if right { Ok(record) } else { Err(fault::foreign()) }
    }

    /// The record that was found under `name`, and whose it is.
    pub(crate) fn open_found<R: Record>(
        &self,
        name: &RecordName,
        sealed: &[u8],
    ) -> Result<(StoredKey, R), Error> {
        let (header, body) = Header::split(sealed)?;
        let plain = self.decrypt(header, None, body, |header| {
            header.kind == R::KIND && RecordName::from_hash(header.name) == *name
        })?;
        let (record, who) = read(&plain)?;
        // Whoever has the key and wrote a name into another's record has confused the two, or means to.
        let owner = who.filter(|who| self.name(&who.digest()) == *name);
        Ok((owner.ok_or_else(fault::foreign)?, record))
    }

    /// The same record sealed with the key that seals now; `None` if it is.
    pub(crate) fn reseal(
        &self,
        name: &RecordName,
        sealed: &[u8],
    ) -> Result<Option<SecretBytes>, Error> {
        let (header, body) = Header::split(sealed)?;
        if Some(header.key) == self.sealing() {
            return Ok(None);
        }
        let plain =
            self.decrypt(header, None, body, |header| RecordName::from_hash(header.name) == *name)?;
        let sealed = self.encrypt(header, None, plain.len(), |same| {
            same.push(&plain);
            Ok(())
        });
        sealed.map(Some)
    }

    /// Seals what `write` appends, about `length` bytes, with the facts of a header, the sealing key and a fresh
    /// nonce.
    fn encrypt(
        &self,
        facts: Header,
        digest: Option<&KeyDigest>,
        length: usize,
        write: impl FnOnce(&mut SecretBuffer) -> Result<(), Unreadable>,
    ) -> Result<SecretBytes, Error> {
        let key = self.sealing().ok_or_else(fault::readers_only)?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(fault::no_randomness)?;
        let header = Header { key, nonce, ..facts };
        let mut sealed = SecretBuffer::with_capacity(LENGTH + length + TAG);
        sealed.push(&header.to_bytes());
        write(&mut sealed).map_err(|_| fault::unwritable())?;
        cipher::seal(&self.cipher, header, digest, sealed)
    }

    fn decrypt(
        &self,
        header: Header,
        digest: Option<&KeyDigest>,
        body: &[u8],
        is_right: impl FnOnce(Header) -> bool,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let seal_key =
            self.keys.opening(header.key).ok_or_else(|| fault::unknown_key(header.key))?;
        if !is_right(header) {
            return Err(fault::foreign());
        }
        if Some(header.key) == self.sealing() {
            return cipher::open(&self.cipher, header, digest, body);
        }
        cipher::open(&keys::cipher_key(seal_key, self.purpose)?, header, digest, body)
    }
}

/// It opened, so we or a later version of us wrote it.
fn read<R: Record>(plain: &[u8]) -> Result<(R, Option<StoredKey>), Error> {
    R::read(plain).map_err(|_| fault::newer())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionRecord;

    /// Whoever has a key could write this, or a program that confuses two sessions.
    #[test]
    fn f34_a_record_whose_content_names_somebody_else_does_not_open() {
        let keys = SealKeys::new(1, SecretBytes::new(vec![7; 32]));
        let vault = Vault::new(keys, Purpose::Whole).unwrap();
        let of = |identity| {
            let account = StoredKey::of_account("acme", "https://auth.example", "", identity);
            account.unwrap().with_session("", "")
        };
        let (kim, robin) = (of("kim"), of("robin"));
        let name = vault.naming.hash(&robin.digest());
        let kind = SessionRecord::KIND;
        let format = RecordFormat::default();
        let facts = Header { format, kind, key: 0, name, nonce: [0; NONCE] };
        for (who, opens) in [(Some(&kim), false), (None, false), (Some(&robin), true)] {
            let record = SessionRecord::default();
            let write = |plain: &mut SecretBuffer| record.write(format, who.map(Owner::who), plain);
            let sealed = vault.encrypt(facts, None, record.length(format), write).unwrap();
            let sealed = sealed.expose_bytes();
            let opened = vault.open::<SessionRecord>(&robin, sealed);
            let found = vault.open_found::<SessionRecord>(&RecordName::from_hash(name), sealed);
            assert_eq!((opened.is_ok(), found.is_ok()), (opens, opens), "{who:?}");
            if !opens {
                assert_eq!(opened.unwrap_err().code(), Some("foreign"));
                assert_eq!(found.unwrap_err().code(), Some("foreign"));
            }
        }
    }
}
