//! Secret values: shared without copying, wiped when the last holder lets go, silent in `Debug`.

use std::fmt;
use std::io;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::wiped::Wiped;

/// Bytes that must not be seen: a request body, a raw key, an opaque continuation.
///
/// Clones share one allocation, which is zeroed when the last clone is dropped. `Debug` prints no
/// content. There is no `Serialize`, no `Display` and no `PartialEq`; [`SecretBytes::matches`]
/// compares in constant time.
#[derive(Clone, Default)]
pub struct SecretBytes {
    whole: Bytes,
    /// So many bytes come before the secret: a scheme in front of a token, so that a header and its
    /// token are one allocation.
    before: u8,
}

impl SecretBytes {
    /// Takes ownership of `bytes`; they are zeroed on drop.
    pub fn new(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        Self { whole: Bytes::from_owner(Wiped::new(bytes)), before: 0 }
    }

    /// Copies `bytes` into a zeroizing allocation. The original stays where it is.
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// The content. Every call is a place where a secret can leak: keep it short.
    #[inline]
    pub fn expose_bytes(&self) -> &[u8] {
        // There are so many always: nothing here can panic, so that whoever holds a token keeps no way out for that.
        self.whole.get(usize::from(self.before)..).unwrap_or_default()
    }

    /// The content as shared [`Bytes`], without copying; still zeroed when the last clone goes.
    pub fn expose_shared(&self) -> Bytes {
        match self.before {
            0 => self.whole.clone(),
            before => self.whole.slice(usize::from(before)..),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.whole.len() - usize::from(self.before)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compares in constant time (the length is not hidden).
    pub fn matches(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.expose_bytes(), other.expose_bytes());
        // All of them, many at a time, and one look at the end: `subtle` by itself looks at each byte.
        let differences = mine.iter().zip(theirs).fold(0, |all, (a, b)| all | (a ^ b));
        mine.len() == theirs.len() && bool::from(differences.ct_eq(&0))
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

/// Text that must not be seen: a password, a token, a one-time code.
///
/// The same rules as for [`SecretBytes`].
#[derive(Clone, Default)]
pub struct SecretString(SecretBytes);

impl SecretString {
    /// Takes ownership of `text`; it is zeroed on drop.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretBytes::new(text.into().into_bytes()))
    }

    /// Reads UTF-8 text out of secret bytes, sharing them. `None` if they are not UTF-8.
    pub fn from_bytes(bytes: SecretBytes) -> Option<Self> {
        std::str::from_utf8(bytes.expose_bytes()).ok()?;
        Some(Self(bytes))
    }

    /// The content. Every call is a place where a secret can leak: keep it short.
    pub fn expose(&self) -> &str {
        // Checked by every constructor; an empty text is the answer to the impossible.
        std::str::from_utf8(self.0.expose_bytes()).unwrap_or_default()
    }

    /// The same bytes as [`SecretString::expose`], which looks at each of them to make a `str`: for whoever
    /// writes, compares or hashes them. Every call is a place where a secret can leak: keep it short.
    #[inline]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.expose_bytes()
    }

    /// The content as secret bytes, without copying.
    pub fn to_bytes(&self) -> SecretBytes {
        self.0.clone()
    }

    /// The same text in an allocation in which `scheme` comes right before it.
    pub(crate) fn behind(self, scheme: &'static str) -> Self {
        let Ok(before) = u8::try_from(scheme.len()) else { return self };
        if self.is_empty() || self.with_scheme(scheme).is_some() {
            return self;
        }
        let mut whole = Vec::with_capacity(scheme.len() + self.len());
        whole.extend_from_slice(scheme.as_bytes());
        whole.extend_from_slice(self.0.expose_bytes());
        Self(SecretBytes { before, ..SecretBytes::new(whole) })
    }

    /// `scheme` and this text, without copying; `None` if they are not one allocation.
    pub(crate) fn with_scheme(&self, scheme: &'static str) -> Option<SecretBytes> {
        let SecretBytes { whole, before } = &self.0;
        (*before > 0 && whole[..usize::from(*before)] == *scheme.as_bytes())
            .then(|| SecretBytes { whole: whole.clone(), before: 0 })
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in constant time (the length is not hidden).
    pub fn matches(&self, other: &Self) -> bool {
        self.0.matches(&other.0)
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString([redacted])")
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// Reading a wire answer straight into a secret; there is no way back out through serde.
impl<'de> serde::Deserialize<'de> for SecretString {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Names a secret without telling it: 128 bits of SHA-256 over a label, a salt and the secret.
///
/// Used to say "this refresh token" or "that refused password" in journals, guards and logs. A
/// password has little entropy, so `salt` must be a secret of the store wherever the fingerprint of
/// a password is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Computes the fingerprint of `secret` for the purpose `label`.
    pub fn of(label: &str, salt: &[u8], secret: &[u8]) -> Self {
        Self::of_pieces(label, salt, &[secret])
    }

    /// The same of a secret that lies in pieces.
    pub(crate) fn of_pieces(label: &str, salt: &[u8], secret: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in [&[label.as_bytes()], &[salt], secret] {
            let length: usize = part.iter().map(|piece| piece.len()).sum();
            hash.update((length as u64).to_be_bytes());
            part.iter().for_each(|piece| hash.update(piece));
        }
        let mut digest: [u8; 32] = hash.finalize().into();
        let mut name = [0; 16];
        name.copy_from_slice(&digest[..16]);
        digest.zeroize();
        Self(name)
    }

    /// A fingerprint read back from a record.
    pub const fn from_raw(raw: [u8; 16]) -> Self {
        Self(raw)
    }

    /// The raw name, for records.
    pub const fn to_raw(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    /// Eight hexadecimal digits: enough to correlate two lines of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A growing buffer that leaves no copy of its content behind when it grows.
///
/// A plain `Vec` frees its old allocation unwiped; a serializer that writes a password through this
/// one does not.
#[derive(Default)]
pub struct SecretBuffer(Wiped);

impl SecretBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Wiped::new(Vec::with_capacity(bytes)))
    }

    /// Appends `bytes`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Appends so many zeros, to be written over.
    pub fn push_zeros(&mut self, bytes: usize) -> &mut [u8] {
        self.reserve(bytes);
        let before = self.0.len();
        self.0.resize(before + bytes, 0);
        &mut self.0[before..]
    }

    #[inline]
    fn reserve(&mut self, bytes: usize) {
        if bytes > self.0.capacity() - self.0.len() {
            self.grow(self.0.len() + bytes);
        }
    }

    /// What is left behind is wiped.
    #[cold]
    fn grow(&mut self, needed: usize) {
        let mut grown = Wiped::new(Vec::with_capacity(needed.next_power_of_two().max(512)));
        grown.extend_from_slice(&self.0);
        self.0 = grown;
    }

    /// What was written so far.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// What was written so far, to be changed in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The finished secret.
    pub fn finish(mut self) -> SecretBytes {
        SecretBytes::new(std::mem::take(&mut *self.0))
    }
}

impl io::Write for SecretBuffer {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.push(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBuffer([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_a_secret_is_silent_in_debug() {
        let secret = SecretString::new("canary-password");
        assert!(!format!("{secret:?} {:?}", secret.to_bytes()).contains("canary"));
    }

    #[test]
    fn a_fingerprint_depends_on_label_salt_and_secret_and_not_on_where_they_are_cut() {
        let base = Fingerprint::of("a", b"b", b"c");
        assert_eq!(base, Fingerprint::of("a", b"b", b"c"));
        assert_ne!(base, Fingerprint::of("ab", b"", b"c"));
        assert_ne!(base, Fingerprint::of("a", b"bc", b""));
    }

    #[test]
    fn a_text_behind_a_scheme_is_the_same_text_and_shares_one_allocation() {
        let plain = SecretString::new("canary");
        let behind = plain.clone().behind("Bearer ");
        assert!(behind.matches(&plain) && behind.expose() == "canary" && behind.len() == 6);
        let shared = behind.to_bytes().expose_shared();
        assert_eq!(&shared[..], b"canary");
        let whole = behind.with_scheme("Bearer ").unwrap();
        assert_eq!(whole.expose_bytes(), b"Bearer canary");
        assert_eq!(whole.expose_bytes()[7..].as_ptr(), shared.as_ptr());
        assert!(plain.with_scheme("Bearer ").is_none() && behind.with_scheme("Basic ").is_none());
        let again = behind.clone().behind("Bearer ");
        assert_eq!(again.expose().as_ptr(), behind.expose().as_ptr());
        assert!(SecretString::default().behind("Bearer ").is_empty());
    }

    #[test]
    fn secrets_match_if_every_byte_does() {
        let secret = |text: &[u8]| SecretBytes::copy_from(text);
        let known = secret(&[7; 100]);
        assert!(known.matches(&secret(&[7; 100])));
        assert!(SecretBytes::default().matches(&SecretBytes::default()));
        for other in [&[7; 99][..], &[7; 101], &[]] {
            assert!(!known.matches(&secret(other)), "{}", other.len());
        }
        for at in 0..100 {
            let mut other = [7; 100];
            other[at] = 0x87;
            assert!(!known.matches(&secret(&other)), "{at}");
        }
    }

    #[test]
    fn a_secret_in_pieces_has_the_fingerprint_of_the_whole() {
        let pieces: [&[u8]; 4] = [b"", b"can", b"", b"ary"];
        let whole = Fingerprint::of("label", b"salt", b"canary");
        assert_eq!(whole, Fingerprint::of_pieces("label", b"salt", &pieces));
    }

    #[test]
    fn a_growing_buffer_keeps_what_was_written() {
        let mut buffer = SecretBuffer::new();
        for _ in 0..100 {
            buffer.push(&[7; 33]);
        }
        assert_eq!(buffer.finish().expose_bytes(), vec![7; 3300]);
    }
}
