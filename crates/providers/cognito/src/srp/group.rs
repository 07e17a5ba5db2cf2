//! The group: arithmetic modulo the 3072-bit prime of RFC 3526 §4 (also RFC 5054), with g = 2.
//!
//! Powers are computed in constant time; what is no secret (the modulus, A, B) may be handled otherwise.

use std::sync::LazyLock;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const BITS: u32 = 3072;
/// u and x are hashes.
const HASH_BITS: u32 = 256;

const PRIME: &str = "\
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33\
A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864\
D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2\
08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

static GROUP: LazyLock<Group> = LazyLock::new(Group::make);

/// The prime and what follows from it.
pub(super) struct Group {
    pub(super) params: BoxedMontyParams,
    pub(super) prime: NonZero<BoxedUint>,
    g: BoxedMontyForm,
    pub(super) k: BoxedMontyForm,
}

impl Group {
    /// How many bytes the prime has.
    pub(super) const BYTES: usize = BITS as usize / 8;

    pub(super) fn get() -> &'static Self {
        &GROUP
    }

    #[expect(clippy::expect_used, reason = "the constant above is an odd number of 3072 bits")]
    fn make() -> Self {
        let prime = BoxedUint::from_be_hex(PRIME, BITS).into_option().expect("a number");
        let odd = Odd::new(prime.clone()).into_option().expect("odd");
        let params = BoxedMontyParams::new_vartime(odd);
        let g = BoxedMontyForm::new(fit(&[2]).resize(BITS), &params);
        let k = Self::multiplier(&prime);
        let k = BoxedMontyForm::new(k.resize(BITS), &params);
        let prime = NonZero::new(prime).into_option().expect("not zero");
        Self { params, prime, g, k }
    }

    /// k = H( pad(N) | g )
    pub(super) fn multiplier(prime: &BoxedUint) -> BoxedUint {
        hashed([&padded(prime)[..], &[2]])
    }

    /// `n` modulo N. `n` is no secret.
    pub(super) fn reduced(&self, n: &BoxedUint) -> BoxedUint {
        n.resize(BITS).rem_vartime(&self.prime)
    }

    /// g^e
    pub(super) fn power_of_g(&self, e: &BoxedUint) -> BoxedUint {
        let mut power = self.g.pow(e);
        let retrieved = power.retrieve();
        power.zeroize();
        retrieved
    }

    /// S = ( B - k·g^x ) ^ ( a + u·x )
    pub(super) fn shared(
        &self,
        b: &BoxedUint,
        a: &BoxedUint,
        u: &BoxedUint,
        x: &BoxedUint,
    ) -> Zeroizing<BoxedUint> {
        let mut password = self.g.pow(x);
        let mut masked = &self.k * &password;
        let mut base = BoxedMontyForm::new(b.clone(), &self.params) - &masked;
        let ux = Zeroizing::new(u.concatenating_mul(x));
        // Wide enough for a and for u·x, and for the carry of their sum.
        let bits = a.bits_precision().max(2 * HASH_BITS) + 64;
        let (a, ux) = (Zeroizing::new(a.resize(bits)), Zeroizing::new((&*ux).resize(bits)));
        let exponent = Zeroizing::new(a.wrapping_add(&*ux));
        let mut power = base.pow(&exponent);
        let shared = Zeroizing::new(power.retrieve());
        for secret in [&mut password, &mut masked, &mut base, &mut power] {
            secret.zeroize();
        }
        shared
    }
}

/// The number that `bytes` are, big-endian.
pub(super) fn fit(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

/// The shortest big-endian bytes of `n`, with one zero before a top bit that is set.
pub(super) fn padded(n: &BoxedUint) -> Zeroizing<Vec<u8>> {
    let bytes = Zeroizing::new(n.to_be_bytes());
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut padded = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
    if bytes.get(start).is_none_or(|first| first & 0x80 != 0) {
        padded.push(0);
    }
    padded.extend_from_slice(&bytes[start..]);
    padded
}

/// SHA-256 of `parts`, one after the other, as a number.
pub(super) fn hashed<const PARTS: usize>(parts: [&[u8]; PARTS]) -> BoxedUint {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let digest = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
    fit(&*digest)
}
