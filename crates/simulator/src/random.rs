//! Random values of one simulator: from the system's seed, or repeatable from a given one.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use sha2::{Digest, Sha256};

/// A stream of random bytes, made by hashing a seed with a counter.
///
/// Good enough for tokens and codes of a test server; not meant for anything else.
pub struct Random {
    seed: [u8; 32],
    counter: u64,
}

impl Random {
    /// A stream that nobody can predict: seeded through the standard library's per-process hash keys,
    /// which cannot fail and need no further dependency.
    #[must_use]
    pub fn from_system() -> Self {
        let mut seed = [0; 32];
        for (index, part) in seed.chunks_exact_mut(8).enumerate() {
            part.copy_from_slice(&RandomState::new().hash_one(index).to_le_bytes());
        }
        Self::from_seed(seed)
    }

    /// A stream that is the same for the same seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// The next 32 bytes.
    pub fn block(&mut self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(self.counter.to_le_bytes());
        self.counter = self.counter.wrapping_add(1);
        hash.finalize().into()
    }

    /// A token of 43 characters that fits a URL.
    pub fn token(&mut self) -> String {
        data_encoding::BASE64URL_NOPAD.encode(&self.block())
    }

    /// An identifier in the usual form of a UUID of version 4.
    pub fn uuid(&mut self) -> String {
        let mut bytes = self.block();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes[..16]);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// A code of that many decimal digits, with its leading zeros.
    pub fn digits(&mut self, count: usize) -> String {
        self.block().iter().cycle().take(count).map(|byte| char::from(b'0' + byte % 10)).collect()
    }

    /// A temporary password that satisfies the usual policies: 16 characters of all four classes.
    pub fn password(&mut self) -> String {
        let token: String =
            self.token().chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        format!("Xy7!{token:0<12}")
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn one_seed_gives_one_stream_and_the_system_gives_different_ones() {
        let (mut a, mut b) = (Random::from_seed([7; 32]), Random::from_seed([7; 32]));
        assert_eq!(a.token(), b.token());
        assert_ne!(a.token(), a.token());
        assert_ne!(Random::from_system().token(), Random::from_system().token());
    }

    #[test]
    fn values_have_their_form() {
        let mut random = Random::from_seed([1; 32]);
        let uuid = random.uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        let code = random.digits(6);
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(random.password().len(), 16);
    }
}
