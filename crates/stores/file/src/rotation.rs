//! Other keys for a store, and another protection for its keys.

use countersign_core::{Error, SessionStore};
use countersign_seal::{Resealed, SealedFacts, Sealer, reseal};

use crate::blocking::blocking;
use crate::cas::{self, Found};
use crate::protection::KeyProtection;
use crate::store::FileStore;
use crate::{fault, key};

/// The kinds of record that the store's own keys seal; a readers' key is none of them.
const OWN_KINDS: [u8; 2] = [1, 2];

impl FileStore {
    /// Draws a new seal key and puts it in front of the others: what is written from then on is sealed with
    /// it. Says its id. [`FileStore::reseal`] brings the records after it.
    ///
    /// Programs read the keys when they start. One that runs already goes on sealing with the key that it
    /// knows, which all others open, and cannot open what is sealed with the new one (`unknown_key`): restart
    /// it.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy; the old keys are in place then.
    pub async fn add_key(&self) -> Result<u32, Error> {
        let (layout, protection) = (self.layout().clone(), self.protection().clone());
        blocking(move || key::add(&layout, &protection)).await
    }

    /// Seals every record with the key in front, while sessions are in use. It can be stopped at any point and
    /// run again: the old keys stay until [`FileStore::drop_key`].
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the keys cannot be read or the store cannot be listed. What
    /// became of single records is in the answer.
    pub async fn reseal(&self) -> Result<Resealed, Error> {
        reseal(self, &Sealer::new(self.seal_keys().await?)?).await
    }

    /// Takes a key away that no record needs any more. The key in front and the one with the lowest id, which
    /// names the records, stay.
    ///
    /// A program that was started before [`FileStore::add_key`] may still seal with the old key: end it first.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the code `key_needed` if the key has to stay, also because a
    /// record cannot be read that may need it; it stays then.
    pub async fn drop_key(&self, id: u32) -> Result<(), Error> {
        for name in self.list().await? {
            let (layout, wanted) = (self.layout().clone(), name.clone());
            let why = match blocking(move || cas::read(&layout, &wanted)).await? {
                Found::Nothing => continue,
                Found::Damaged(_) => Some("may be that of a damaged record"),
                Found::Record(record) => match SealedFacts::of(record.bytes.expose_bytes()) {
                    Ok(facts) if facts.key == id && OWN_KINDS.contains(&facts.kind) => {
                        Some("still seals a record")
                    }
                    Ok(_) => None,
                    Err(_) => Some("may be that of a record that cannot be read"),
                },
            };
            if let Some(why) = why {
                return Err(fault::key_needed(id, &format!("{why} ({name}); reseal first")));
            }
        }
        let (layout, protection) = (self.layout().clone(), self.protection().clone());
        blocking(move || key::drop_key(&layout, &protection, id)).await
    }

    /// Puts the keys under another protection, and is the store that is opened with it. The keys themselves stay:
    /// who has read them before can open what was and is sealed with them, so add a key if that is feared.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy; the keys are under the old protection then.
    pub async fn protect(&self, protection: KeyProtection) -> Result<Self, Error> {
        let (layout, from, to) =
            (self.layout().clone(), self.protection().clone(), protection.clone());
        blocking(move || key::protect(&layout, &from, &to)).await?;
        Ok(self.with_protection(protection))
    }
}
