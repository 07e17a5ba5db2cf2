//! Keys for one purpose each, derived from the seal keys.

use countersign_core::{Error, KeyDigest, SealKeys, SecretBytes};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fault;

/// Where the search for the lowest id ends. A rotation adds ids upwards, so the lowest is small.
const HIGHEST_NAMING_ID: u32 = 0xffff;

/// What a set of seal keys is for. Keys of one purpose are of no use for the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Everything that a session and its account have.
    Whole,
    /// What readers get of a session.
    Readers,
}

impl Purpose {
    const fn labels(self) -> Labels {
        match self {
            Self::Whole => Labels {
                cipher: "countersign seal: XChaCha20-Poly1305",
                names: "countersign seal: record names",
            },
            Self::Readers => Labels {
                cipher: "countersign seal: readers, XChaCha20-Poly1305",
                names: "countersign seal: readers, record names",
            },
        }
    }
}

struct Labels {
    cipher: &'static str,
    names: &'static str,
}

/// 32 bytes that are wiped.
pub(crate) type Key = Zeroizing<[u8; 32]>;

/// Names records and salts fingerprints. It stays the same when the sealing key is rotated.
#[derive(Clone)]
pub(crate) struct NamingKey {
    name: Key,
    salt: SecretBytes,
}

impl NamingKey {
    /// From the seal key with the lowest id.
    pub(crate) fn new(keys: &SealKeys, purpose: Purpose) -> Result<Self, Error> {
        let lowest = (0..=HIGHEST_NAMING_ID).find_map(|id| keys.opening(id)).ok_or_else(|| {
            fault::bad_keys("no seal key has an id below 65536; number the keys from 1 upwards")
        })?;
        let lowest = sized(lowest)?;
        Ok(Self {
            name: derive(lowest, purpose.labels().names),
            salt: SecretBytes::copy_from(&*derive(lowest, "countersign seal: fingerprint salt")),
        })
    }

    /// The keyed hash of a record's key.
    pub(crate) fn hash(&self, key: &KeyDigest) -> [u8; 16] {
        let digest = hmac(&self.name, key.as_bytes());
        let mut name = [0; 16];
        name.copy_from_slice(&digest[..16]);
        name
    }

    /// The salt for fingerprints of what can be guessed.
    pub(crate) const fn salt(&self) -> &SecretBytes {
        &self.salt
    }
}

/// The key that the cipher takes, from a seal key.
pub(crate) fn cipher_key(seal_key: &SecretBytes, purpose: Purpose) -> Result<Key, Error> {
    Ok(derive(sized(seal_key)?, purpose.labels().cipher))
}

fn sized(seal_key: &SecretBytes) -> Result<&[u8; 32], Error> {
    let fault = || fault::bad_keys("a seal key is not 32 bytes long");
    seal_key.expose_bytes().try_into().map_err(|_| fault())
}

fn derive(seal_key: &[u8; 32], label: &str) -> Key {
    hmac(seal_key, label.as_bytes())
}

fn hmac(key: &[u8; 32], message: &[u8]) -> Key {
    // HMAC itself fills a key up to a block with zeros (RFC 2104 §2); a whole block cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}
