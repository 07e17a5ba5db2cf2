//! Other keys for a store, and another protection for its keys.

use countersign_core::{Error, SessionStore};
use countersign_seal::{Resealed, Sealer, needing, reseal};

use crate::blocking::blocking;
use crate::protection::KeyProtection;
use crate::store::FileStore;
use crate::{fault, key};

impl FileStore {
    /// Draws a new seal key and puts it in front of the others: what is written from then on is sealed with
    /// it. Says its id. [`FileStore::reseal`] brings the records after it.
    ///
    /// Keepers that run need no restart: one goes on sealing with the key that it knows, which all others
    /// open, and reads the keys once more when it meets a record that is sealed with the new one.
    ///
    /// Another process that changes the keys is waited for, ten seconds at most.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy; the old keys are in place then. With the code
    /// `unconfirmed` the new ones are, and a crash may bring the old ones back; so it is with
    /// [`FileStore::drop_key`] and [`FileStore::protect`].
    pub async fn add_key(&self) -> Result<u32, Error> {
        let (layout, protection) = (self.layout().clone(), self.protection().clone());
        let lock = self.key_lock().await?;
        blocking(move || key::add(&layout, &protection, lock)).await
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
    /// A program that has met no record of a newer key may still seal a new session with the old one: end
    /// those that were started before [`FileStore::add_key`] and have not been used since.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the code `key_needed` if the key has to stay, also because a
    /// record cannot be read that may need it; it names them. `locked`, with the process, if another one
    /// changes the keys for longer than ten seconds.
    pub async fn drop_key(&self, id: u32) -> Result<(), Error> {
        let lock = self.key_lock().await?;
        key::check_may_go(&self.seal_keys().await?, id)?;
        let needs = needing(self, id).await?;
        if !needs.is_empty() {
            return Err(fault::key_still_needed(id, &needs));
        }
        let (layout, protection) = (self.layout().clone(), self.protection().clone());
        blocking(move || key::drop_key(&layout, &protection, lock, id)).await
    }

    /// Puts the keys under another protection, and is the store that is opened with it. The keys themselves stay:
    /// who has read them before can open what was and is sealed with them, so add a key if that is feared.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy; the keys are under the old protection then, unless the
    /// code is `unconfirmed`: under the new one, and under the old one again if a crash brings that file back.
    pub async fn protect(&self, protection: KeyProtection) -> Result<Self, Error> {
        let (layout, from, to) =
            (self.layout().clone(), self.protection().clone(), protection.clone());
        let lock = self.key_lock().await?;
        blocking(move || key::protect(&layout, &from, &to, lock)).await?;
        Ok(self.with_protection(protection))
    }
}
