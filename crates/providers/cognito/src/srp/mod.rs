//! Secure Remote Password as Cognito speaks it: the group of RFC 3526 §4, SHA-256, and a key of 16 bytes
//! that signs a block of the server's.
//!
//! The service's own definition is nowhere published; this is what two independent clients (AWS's for
//! JavaScript and pycognito) agree on. Numbers go into a hash in their shortest form, with one leading
//! zero byte where the top bit is set, so that leading zeros on the wire are lost on purpose.

mod group;
#[cfg(test)]
mod tests;

use countersign_core::{Error, ErrorKind, SecretBytes, SecretString, Seed};
use crypto_bigint::BoxedUint;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use group::{Group, fit, hashed, padded};

/// So many random bytes an exchange has.
const SEED_BYTES: usize = 32;
/// So many bytes make the ephemeral of the client.
const EPHEMERAL_BYTES: usize = 128;
/// What the key is expanded for, with the counter of HKDF's only block (RFC 5869 §2.3).
const KEY_INFO: &[u8] = b"Caldera Derived Key\x01";
const KEY_BYTES: usize = 16;

/// Who proves a password to whom.
#[derive(Clone, Copy)]
pub(crate) struct Party<'a> {
    /// The name of the pool (its id after the underscore), or the key of a group of devices.
    pub(crate) realm: &'a str,
    /// The internal name of the user, or the key of a device.
    pub(crate) name: &'a str,
}

/// The client's half of one exchange. It is derived from the seed each time and lives as long as the call.
pub(crate) struct Client {
    a: Zeroizing<BoxedUint>,
    public: BoxedUint,
}

impl Client {
    /// The half that belongs to `seed`. `purpose` keeps the ephemerals of one exchange apart: a user's and
    /// a device's are two.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the seed is too short to be one, or A a multiple of N.
    pub(crate) fn new(seed: &Seed, purpose: &str) -> Result<Self, Error> {
        if seed.bytes().len() < SEED_BYTES {
            return Err(Error::new(ErrorKind::Internal).hint("the exchange has no random bytes"));
        }
        Self::of_ephemeral(&derived(seed, purpose, EPHEMERAL_BYTES))
    }

    fn of_ephemeral(bytes: &SecretBytes) -> Result<Self, Error> {
        let a = Zeroizing::new(fit(bytes.expose_bytes()));
        let public = Group::get().power_of_g(&a);
        if bool::from(public.is_zero()) {
            return Err(Error::new(ErrorKind::Internal).hint("the ephemeral of SRP is unusable"));
        }
        Ok(Self { a, public })
    }

    /// A in lower-case hexadecimal digits, without leading zeros.
    pub(crate) fn public_hex(&self) -> String {
        let mut hex = data_encoding::HEXLOWER.encode(&self.public.to_be_bytes_trimmed_vartime());
        if hex.starts_with('0') && hex.len() > 1 {
            hex.remove(0);
        }
        hex
    }

    /// The key that both sides share if `password` is right.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if `salt` or `b` are no hexadecimal numbers of fitting length, if B is a
    /// multiple of N, or u or S is zero: an honest server sends none of these.
    pub(crate) fn key(
        &self,
        party: Party<'_>,
        password: &SecretString,
        salt: &str,
        b: &str,
    ) -> Result<Key, Error> {
        let group = Group::get();
        let salt = number(salt).ok_or_else(|| unusable("SALT"))?;
        let b = number(b).ok_or_else(|| unusable("SRP_B"))?;
        let reduced = group.reduced(&b);
        if bool::from(reduced.is_zero()) {
            return Err(unusable("SRP_B"));
        }
        let u = hashed([&*padded(&self.public), &*padded(&b)]);
        if bool::from(u.is_zero()) {
            return Err(unusable("SRP_B"));
        }
        let x = private(party, password, &salt);
        let s = group.shared(&reduced, &self.a, &u, &x);
        if bool::from(s.is_zero()) {
            return Err(unusable("SRP_B"));
        }
        let prk = mac(&padded(&u), &[&padded(&s)]);
        let okm = mac(prk.expose_bytes(), &[KEY_INFO]);
        Ok(Key(SecretBytes::copy_from(&okm.expose_bytes()[..KEY_BYTES])))
    }
}

/// The key that both sides share.
pub(crate) struct Key(SecretBytes);

impl Key {
    /// What proves the key: the signature of the server's block at `timestamp`, in base64.
    pub(crate) fn sign(&self, party: Party<'_>, block: &[u8], timestamp: &str) -> SecretString {
        let parts = [party.realm.as_bytes(), party.name.as_bytes(), block, timestamp.as_bytes()];
        SecretString::new(BASE64.encode(mac(self.0.expose_bytes(), &parts).expose_bytes()))
    }
}

/// What a server keeps in the place of a password: g^x.
///
/// It is as good as the password to whoever wants to play the server, or to guess: it is wiped.
pub(crate) fn verifier(party: Party<'_>, password: &SecretString, salt: &[u8]) -> SecretBytes {
    let x = private(party, password, &fit(salt));
    let power = Zeroizing::new(Group::get().power_of_g(&x));
    SecretBytes::copy_from(&padded(&power))
}

/// `length` bytes that only this seed and this purpose give (HKDF-Expand, RFC 5869 §2.3, at most 255
/// blocks; a seed is as random as an extracted key).
pub(crate) fn derived(seed: &Seed, purpose: &str, length: usize) -> SecretBytes {
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 32));
    let mut last = SecretBytes::default();
    for block in 1u8..=u8::MAX {
        if bytes.len() >= length {
            break;
        }
        let info: [&[u8]; 4] =
            [last.expose_bytes(), b"countersign cognito ", purpose.as_bytes(), &[block]];
        last = mac(seed.bytes().expose_bytes(), &info);
        bytes.extend_from_slice(last.expose_bytes());
    }
    SecretBytes::copy_from(&bytes[..length.min(bytes.len())])
}

/// x = H( pad(salt) | H( realm | name | ":" | password ) )
fn private(party: Party<'_>, password: &SecretString, salt: &BoxedUint) -> Zeroizing<BoxedUint> {
    let mut inner = Sha256::new();
    for part in [party.realm, party.name, ":", password.expose()] {
        inner.update(part.as_bytes());
    }
    let inner = Zeroizing::new(<[u8; 32]>::from(inner.finalize()));
    Zeroizing::new(hashed([&*padded(salt), &*inner]))
}

/// HMAC-SHA256 of `parts`, one after the other.
fn mac(key: &[u8], parts: &[&[u8]]) -> SecretBytes {
    // HMAC takes a key of any length; the error type is never made.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return SecretBytes::default() };
    parts.iter().for_each(|part| mac.update(part));
    SecretBytes::copy_from(&mac.finalize().into_bytes())
}

/// A number of the wire, in hexadecimal digits of either case, as large as the group's at most.
fn number(hex: &str) -> Option<BoxedUint> {
    let digits = hex.trim_start_matches('0');
    let longest = 2 * Group::BYTES;
    if hex.is_empty() || digits.len() > longest || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let even = format!("{}{digits}", if digits.len() % 2 == 1 { "0" } else { "" });
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(even.as_bytes()).ok()?;
    Some(fit(&bytes))
}

fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Protocol).hint(format!(
        "the answer holds a {what} that no honest server sends; nothing was proved to it"
    ))
}
