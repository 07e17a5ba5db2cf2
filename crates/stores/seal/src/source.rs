//! Where a store has its seal keys from.

use async_trait::async_trait;
use countersign_core::{Error, SealKeys};

/// The seal keys of a store that keeps none itself, as they are now.
///
/// A keeper asks with its first use, and again when it meets a record that is sealed with a key that it does not
/// know, or with a newer one than its own: at most every five seconds, once for all of its sessions. So a program
/// that runs takes up a rotation without a restart. What cannot be asked just then is an error of the record that
/// wants the key; the keys that are known stay in use, and so they do where the answer is another store's keys
/// (another lowest id, or another key under it).
///
/// [`SealKeys`] are a source that never changes. A closure is one that takes no time: it is called on a thread of
/// the runtime. For what has to wait (a secret manager) implement the trait.
///
/// ```
/// use countersign_core::{Error, SealKeys, SecretBytes};
/// use countersign_seal::KeySource;
///
/// fn takes(_: impl KeySource) {}
///
/// takes(SealKeys::new(1, SecretBytes::new(vec![7; 32])));
/// takes(|| -> Result<SealKeys, Error> {
///     // Read from where your program has them.
///     Ok(SealKeys::new(2, SecretBytes::new(vec![9; 32])).also(1, SecretBytes::new(vec![7; 32])))
/// });
/// ```
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The keys: several open, the first one seals.
    ///
    /// # Errors
    /// Any error; a store passes it on as it is, so let it be of [`countersign_core::ErrorKind::Store`], with the
    /// remedy and without a secret.
    async fn seal_keys(&self) -> Result<SealKeys, Error>;
}

#[async_trait]
impl KeySource for SealKeys {
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        Ok(self.clone())
    }
}

#[async_trait]
impl<F> KeySource for F
where
    F: Fn() -> Result<SealKeys, Error> + Send + Sync,
{
    async fn seal_keys(&self) -> Result<SealKeys, Error> {
        self()
    }
}
