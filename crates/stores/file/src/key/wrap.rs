//! Seal keys under another key: one made from a passphrase, or kept in a vault.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use countersign_core::{Error, SecretBytes};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::fault;
use crate::protection::{Cost, KeyProtection, KeyVault, Passphrase};

const NONCE: usize = 24;
const TAG: usize = 16;
/// What a file may ask for before a passphrase is tried: more would be an attack on memory or time.
const MOST: Cost = Cost { memory: 1024 * 1024, passes: 64, lanes: 64 };

type Key = Zeroizing<[u8; 32]>;

/// How a key file names what it is under: the line after the title.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wrapping {
    Passphrase { cost: Cost, salt: [u8; 16] },
    Vault { entry: String },
}

impl Wrapping {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        match words.next()? {
            "passphrase" => {
                let mut number =
                    |name: &str| -> Option<u32> { words.next()?.strip_prefix(name)?.parse().ok() };
                let cost =
                    Cost { memory: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
                let salt = HEXLOWER.decode(words.next()?.as_bytes()).ok()?.try_into().ok()?;
                let fits = cost.memory <= MOST.memory
                    && cost.passes <= MOST.passes
                    && cost.lanes <= MOST.lanes
                    && words.next().is_none();
                fits.then_some(Self::Passphrase { cost, salt })
            }
            "vault" => {
                let entry = words.next().filter(|entry| is_entry(entry))?.to_owned();
                words.next().is_none().then_some(Self::Vault { entry })
            }
            _ => None,
        }
    }

    pub(super) fn to_line(&self) -> String {
        match self {
            Self::Passphrase { cost: Cost { memory, passes, lanes }, salt } => {
                let salt = HEXLOWER.encode(salt);
                format!("passphrase m={memory} t={passes} p={lanes} {salt}")
            }
            Self::Vault { entry } => format!("vault {entry}"),
        }
    }

    /// A new wrapping of the kind that is asked for, with its key; `None` for none. What a vault was given is
    /// asked back, so that one that keeps nothing, or not enough, is found out before anything rests on it.
    pub(super) fn new(
        path: &Path,
        protection: &KeyProtection,
    ) -> Result<Option<(Self, Key)>, Error> {
        match protection {
            KeyProtection::OwnerOnly => Ok(None),
            KeyProtection::Passphrase(passphrase) if passphrase.text.is_empty() => {
                Err(fault::no_passphrase())
            }
            KeyProtection::Passphrase(passphrase) => {
                let wrapping = Self::Passphrase { cost: passphrase.cost, salt: *random::<16>()? };
                let key = wrapping.key(path, protection)?;
                Ok(Some((wrapping, key)))
            }
            KeyProtection::Vault(vault) => {
                let entry = HEXLOWER.encode(&*random::<16>()?);
                let key = random::<32>()?;
                let digits = SecretBytes::new(HEXLOWER.encode(&*key).into_bytes());
                vault.set(&entry, &digits)?;
                let kept = vault.get(&entry);
                if !matches!(&kept, Ok(Some(kept)) if kept.matches(&digits)) {
                    let _ = vault.remove(&entry);
                    return Err(kept.err().unwrap_or_else(|| fault::vault_forgets(path)));
                }
                Ok(Some((Self::Vault { entry }, key)))
            }
        }
    }

    /// The key of this wrapping.
    pub(super) fn key(&self, path: &Path, protection: &KeyProtection) -> Result<Key, Error> {
        match (self, protection) {
            (Self::Passphrase { cost, salt }, KeyProtection::Passphrase(passphrase)) => {
                stretched(path, *cost, salt, passphrase)
            }
            (Self::Vault { entry }, KeyProtection::Vault(vault)) => {
                kept(path, entry, vault.as_ref())
            }
            (Self::Passphrase { .. }, _) => Err(fault::other_protection(path, "a passphrase")),
            (Self::Vault { .. }, _) => Err(fault::other_protection(path, "the key of a keyring")),
        }
    }

    /// What this wrapping left outside of the file.
    pub(super) fn forget(&self, protection: &KeyProtection) {
        if let (Self::Vault { entry }, KeyProtection::Vault(vault)) = (self, protection) {
            // An entry that stays is of no use to anybody.
            let _ = vault.remove(entry);
        }
    }
}

/// `text` under `key`, as hexadecimal digits; `front` is authenticated with it.
pub(super) fn seal(key: &Key, front: &str, text: &str) -> Result<String, Error> {
    let nonce = random::<NONCE>()?;
    let mut sealed = Vec::with_capacity(NONCE + text.len() + TAG);
    sealed.extend_from_slice(&*nonce);
    sealed.extend_from_slice(text.as_bytes());
    let cipher = XChaCha20Poly1305::new(&(**key).into());
    let body = &mut sealed[NONCE..];
    let tag = cipher
        .encrypt_inout_detached(&XNonce::from(*nonce), front.as_bytes(), body.into())
        .map_err(|_| Error::new(countersign_core::ErrorKind::Internal))?;
    sealed.extend_from_slice(&tag);
    Ok(HEXLOWER.encode(&sealed))
}

/// The text of `digits`; `None` if they are none, were changed, or `key` is another one.
pub(super) fn open(key: &Key, front: &str, digits: &str) -> Option<Zeroizing<String>> {
    let sealed = HEXLOWER.decode(digits.as_bytes()).ok()?;
    let (nonce, body) = sealed.split_first_chunk::<NONCE>()?;
    let (body, tag) = body.split_last_chunk::<TAG>()?;
    let mut plain = Zeroizing::new(body.to_vec());
    let cipher = XChaCha20Poly1305::new(&(**key).into());
    let body = plain.as_mut_slice().into();
    cipher
        .decrypt_inout_detached(&XNonce::from(*nonce), front.as_bytes(), body, &Tag::from(*tag))
        .ok()?;
    std::str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned()))
}

pub(super) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(fault::no_randomness)?;
    Ok(bytes)
}

fn stretched(
    path: &Path,
    cost: Cost,
    salt: &[u8; 16],
    passphrase: &Passphrase,
) -> Result<Key, Error> {
    let Cost { memory, passes, lanes } = cost;
    let unusable = |_| fault::key(path, "asks for parameters of Argon2 that do not exist");
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(unusable)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    let text = passphrase.text.expose().as_bytes();
    argon2.hash_password_into(text, salt, &mut *key).map_err(|_| fault::no_memory(memory))?;
    Ok(key)
}

fn kept(path: &Path, entry: &str, vault: &dyn KeyVault) -> Result<Key, Error> {
    let digits = vault.get(entry)?.ok_or_else(|| fault::not_in_vault(path, entry))?;
    let key = HEXLOWER.decode(digits.expose_bytes()).ok().map(Zeroizing::new);
    let key = key.and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok());
    key.map(Zeroizing::new).ok_or_else(|| fault::not_in_vault(path, entry))
}

fn is_entry(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
