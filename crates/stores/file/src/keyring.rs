//! The keyring of the operating system as the place for the key that protects the others.

use std::sync::Arc;

use countersign_core::{Error, ErrorKind, Recovery, SecretBytes};
use keyring_core::api::{CredentialPersistence, CredentialStore};
use keyring_core::{Entry, Error as KeyringError};

use crate::protection::KeyVault;

/// Entries are found under this name in the programs that show a keyring.
const SERVICE: &str = "countersign";

/// A keyring of the `keyring` family of crates. Which one is linked is the program's choice, as with TLS:
/// `zbus-secret-service-keyring-store` (GNOME, KDE), `apple-native-keyring-store`,
/// `windows-native-keyring-store`.
#[derive(Clone, Debug)]
pub struct OsKeyring(Arc<Held>);

/// A keyring that is let go of on a thread of its own: the Secret Service says good-bye over its bus and waits for
/// that, which panics on a thread of an asynchronous runtime.
#[derive(Debug)]
struct Held(Option<Arc<CredentialStore>>);

impl Drop for Held {
    fn drop(&mut self) {
        let held = self.0.take();
        // Without a thread it goes with the error, here.
        let _ = std::thread::Builder::new().spawn(move || drop(held));
    }
}

impl OsKeyring {
    /// The keyring `store`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if what it keeps does not last until it is deleted: with the key gone at a
    /// logout or a reboot (the kernel's keyring) every session would be.
    pub fn new(store: Arc<CredentialStore>) -> Result<Self, Error> {
        match store.persistence() {
            CredentialPersistence::UntilDelete => Ok(Self(Arc::new(Held(Some(store))))),
            _ => Err(Error::new(ErrorKind::Configuration).with_code("keyring_forgets").hint(
                "this keyring forgets its entries, at a logout or a reboot; choose one that keeps them on \
                 disk, or a passphrase",
            )),
        }
    }

    fn entry(&self, name: &str) -> Result<Entry, Error> {
        let store = self.0.0.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal))?;
        Entry::new_in_store(store, SERVICE, name).map_err(fault)
    }
}

impl KeyVault for OsKeyring {
    fn get(&self, entry: &str) -> Result<Option<SecretBytes>, Error> {
        match self.entry(entry)?.get_secret() {
            Ok(secret) => Ok(Some(SecretBytes::new(secret))),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    fn set(&self, entry: &str, secret: &SecretBytes) -> Result<(), Error> {
        self.entry(entry)?.set_secret(secret.expose_bytes()).map_err(fault)
    }

    fn remove(&self, entry: &str) -> Result<(), Error> {
        match self.entry(entry)?.delete_credential() {
            Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }
}

/// The keyring's own error is not passed on: some of its variants hold what was stored.
fn fault(error: KeyringError) -> Error {
    let (code, recovery, hint) = match error {
        KeyringError::NoStorageAccess(_) => (
            "keyring_locked",
            Recovery::Retry,
            "the keyring cannot be opened; unlock it, or see whether its service runs, and try again",
        ),
        KeyringError::TooLong(..) => (
            "keyring_small",
            Recovery::GiveUp,
            "the keyring does not take an entry of 64 characters; choose a passphrase",
        ),
        KeyringError::Ambiguous(_) => (
            "keyring_ambiguous",
            Recovery::GiveUp,
            "the keyring has several entries for this store; remove the wrong ones",
        ),
        _ => (
            "keyring",
            Recovery::Retry,
            "the keyring does not answer as it should; see whether its service runs, or choose a passphrase",
        ),
    };
    Error::new(ErrorKind::Store).with_recovery(recovery).with_code(code).hint(hint)
}
