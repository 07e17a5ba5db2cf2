//! The server's side of SRP (RFC 5054, with the service's own hashing), written for the simulator alone.
//!
//! Numbers are numbers: what arrives as text of hex loses its leading zeros, and is padded again before hashing. The
//! arithmetic is not constant-time.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

/// The prime of RFC 3526, group 15: 3072 bits.
const PRIME: &[u8] = b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C\
BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

static N: LazyLock<BigUint> = LazyLock::new(|| BigUint::parse_bytes(PRIME, 16).unwrap_or_default());
static G: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(2_u8));
static K: LazyLock<BigUint> = LazyLock::new(|| hash(&[&pad(&N), &[2]]));

/// The prime, for the client of the tests. That it is the right one the check vector shows.
#[cfg(test)]
pub(super) fn prime() -> &'static BigUint {
    &N
}

/// The number of a text of hex, as both known clients and the service read it.
pub(super) fn number(hex: &str) -> Option<BigUint> {
    let plain = !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| BigUint::parse_bytes(hex.as_bytes(), 16)).flatten()
}

/// Whether a client may send this number: not a multiple of the prime.
pub(super) fn is_usable(public: &BigUint) -> bool {
    public % &*N != BigUint::ZERO
}

/// `g^x`, where x is made of the salt, the two names and the password. For a user the names are the pool's and the
/// user's, for a device the keys of its group and its own.
pub(super) fn verifier(salt: &BigUint, group: &str, name: &str, password: &str) -> BigUint {
    let inner = Sha256::digest(format!("{group}{name}:{password}"));
    G.modpow(&hash(&[&pad(salt), &inner]), &N)
}

/// The server's secret number with the public one, `k·v + g^b`.
#[derive(Clone)]
pub(super) struct Ephemeral {
    secret: BigUint,
    pub(super) public: BigUint,
}

impl Ephemeral {
    pub(super) fn new(verifier: &BigUint, secret: BigUint) -> Self {
        let public = (&*K * verifier + G.modpow(&secret, &N)) % &*N;
        Self { secret, public }
    }

    /// One whose public number and whose u, together with the client's `public_a`, begin with a zero byte.
    pub(super) fn with_leading_zeros(
        verifier: &BigUint,
        secret: BigUint,
        public_a: &BigUint,
    ) -> Self {
        let mut secret = secret;
        let mut power = G.modpow(&secret, &N);
        let offset = &*K * verifier % &*N;
        // Each round is a secret one larger; one of 65,536 fits.
        loop {
            let public = (&offset + &power) % &*N;
            if public.bits() <= 3064 && scrambler(public_a, &public).bits() <= 248 {
                return Self { secret, public };
            }
            secret += 1_u8;
            power = (power << 1_u8) % &*N;
        }
    }

    /// The key that both sides have in the end: 16 bytes.
    pub(super) fn key(&self, verifier: &BigUint, public_a: &BigUint) -> [u8; 16] {
        let u = scrambler(public_a, &self.public);
        let shared = (public_a * verifier.modpow(&u, &N)).modpow(&self.secret, &N);
        let extracted = mac(&pad(&u), &[&pad(&shared)]);
        let expanded = mac(&extracted, &[b"Caldera Derived Key", &[1]]);
        let mut key = [0; 16];
        key.copy_from_slice(&expanded[..16]);
        key
    }
}

/// What the client has to show: a code over the names, the block and the time.
pub(super) fn claim(key: &[u8; 16], group: &str, name: &str, block: &[u8], time: &str) -> [u8; 32] {
    mac(key, &[group.as_bytes(), name.as_bytes(), block, time.as_bytes()])
}

/// Big-endian bytes, with a zero in front where the top bit is set.
fn pad(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

fn scrambler(public_a: &BigUint, public_b: &BigUint) -> BigUint {
    hash(&[&pad(public_a), &pad(public_b)])
}

fn hash(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_be(&Sha256::digest(parts.concat()))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length, so nothing is never answered.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
