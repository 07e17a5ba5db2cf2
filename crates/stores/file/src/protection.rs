//! What protects the seal keys of a store.

use std::fmt;
use std::sync::Arc;

use countersign_core::{Error, SecretBytes, SecretString};

/// What protects the seal keys, which lie in the file `key` of the store. It is chosen by whoever opens the
/// store, and is never weakened by itself: a store whose keys are under something else than was asked for is
/// an error with the remedy, and no key is ever written in the clear because a keyring is missing.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum KeyProtection {
    /// The file's mode alone (on Windows the folder that it is in): its owner reads it. Copies of records that leave without the key stay closed;
    /// who reads the folder reads both.
    #[default]
    OwnerOnly,
    /// The keys are sealed with a key that is made from a passphrase.
    Passphrase(Passphrase),
    /// The keys are sealed with a key that is kept elsewhere, such as in the keyring of the operating
    /// system.
    Vault(Arc<dyn KeyVault>),
}

impl fmt::Debug for KeyProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnerOnly => "OwnerOnly",
            Self::Passphrase(_) => "Passphrase",
            Self::Vault(_) => "Vault",
        })
    }
}

/// A passphrase, with the cost of trying another one.
///
/// The key is made by Argon2id (RFC 9106) over a salt of 16 bytes, fresh for each key file. The parameters
/// are kept beside it, so that a file stays readable when the default rises.
#[derive(Clone)]
pub struct Passphrase {
    pub(crate) text: SecretString,
    pub(crate) cost: Cost,
}

/// The parameters of Argon2id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cost {
    /// Memory in KiB.
    pub(crate) memory: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Passphrase {
    /// With the parameters that RFC 9106 §4 recommends second: 64 MiB, three passes, four lanes; some tenths
    /// of a second for each opening of the store.
    pub const fn new(text: SecretString) -> Self {
        Self { text, cost: Cost { memory: 64 * 1024, passes: 3, lanes: 4 } }
    }

    /// With less memory, for a machine that has none to spare: `mebibytes` (from 8 to 1024) and `passes` (from
    /// 1 to 64); what is out of that is moved into it. Below 19 MiB and two passes guessing becomes cheap.
    #[must_use]
    pub fn with_cost(mut self, mebibytes: u32, passes: u32) -> Self {
        self.cost =
            Cost { memory: mebibytes.clamp(8, 1024) * 1024, passes: passes.clamp(1, 64), lanes: 1 };
        self
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// A place that keeps one short secret (64 characters) for each store. It is called on a blocking thread.
pub trait KeyVault: Send + Sync {
    /// The secret called `entry`; `None` if there is none.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] with the remedy if the place cannot be asked; so do all methods.
    fn get(&self, entry: &str) -> Result<Option<SecretBytes>, Error>;

    /// Keeps `secret` as `entry`.
    ///
    /// # Errors
    /// See [`KeyVault::get`].
    fn set(&self, entry: &str, secret: &SecretBytes) -> Result<(), Error>;

    /// Removes `entry`, if there is one.
    ///
    /// # Errors
    /// See [`KeyVault::get`].
    fn remove(&self, entry: &str) -> Result<(), Error>;
}
