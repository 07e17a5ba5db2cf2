//! The keys of a folder as those of a store elsewhere.

use async_trait::async_trait;
use countersign_core::{Error, SealKeys};
use countersign_seal::KeySource;

use crate::blocking::blocking;
use crate::store::FileStore;
use crate::{fault, key};

/// The key file of a folder, under whatever protects it there, as the source of the keys of a store that keeps none
/// itself ([`FileStore::key_file`]). It is read and never made: a key of its own on each machine would be a store of
/// its own on each.
///
/// [`FileStore::add_key`] changes the file for those who read it here too.
#[derive(Clone, Debug)]
pub struct KeyFile(FileStore);

impl FileStore {
    /// The seal keys of this folder for a store elsewhere, read anew whenever that asks.
    pub fn key_file(&self) -> KeyFile {
        KeyFile(self.clone())
    }
}

#[async_trait]
impl KeySource for KeyFile {
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        let (layout, protection) = (self.0.layout().clone(), self.0.protection().clone());
        blocking(move || match key::kind(&layout)? {
            Some(_) => key::seal_keys(&layout, &protection),
            None => Err(fault::key(
                &layout.key(),
                "is missing; bring it here from where the store's key is kept, or have \
                 FileStore::seal_keys make it on one machine and copy it",
            )),
        })
        .await
    }
}
