//! Time-based one-time codes, RFC 6238 with SHA-1, written for the simulator alone.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// How codes are made and taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totp {
    /// The time step in milliseconds: 30,000 at most providers.
    pub period_ms: i64,
    /// The number of digits, 6 at most providers, 9 at most.
    pub digits: u32,
    /// How many steps before and after the current one are taken too.
    pub tolerance: i64,
}

impl Default for Totp {
    fn default() -> Self {
        Self { period_ms: 30_000, digits: 6, tolerance: 1 }
    }
}

impl Totp {
    /// The time step at that server time.
    #[must_use]
    pub fn step(&self, now_ms: i64) -> i64 {
        now_ms.div_euclid(self.period_ms.max(1))
    }

    /// The code of one time step, with its leading zeros.
    #[must_use]
    pub fn code(&self, key: &[u8], step: i64) -> String {
        // HMAC takes a key of any length, so nothing is ever returned here.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 0x0f);
        let number = hash[offset..offset + 4]
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let digits = self.digits.clamp(1, 9);
        let code = (number & 0x7fff_ffff) % 10_u32.pow(digits);
        format!("{code:0width$}", width = digits as usize)
    }

    /// The step whose code this is, among those that are taken at that time; the nearest one first.
    #[must_use]
    pub fn matching_step(&self, key: &[u8], code: &str, now_ms: i64) -> Option<i64> {
        let current = self.step(now_ms);
        let around = (1..=self.tolerance).flat_map(|off| [current - off, current + off]);
        std::iter::once(current).chain(around).find(|step| self.code(key, *step) == code)
    }
}

/// The key in a shared secret of base32 (RFC 4648), also in lower case, with spaces or hyphens, or without padding.
#[must_use]
pub fn base32_key(secret: &str) -> Option<Vec<u8>> {
    let kept = secret.chars().filter(|c| !c.is_whitespace() && *c != '-' && *c != '=');
    let upper: String = kept.map(|c| c.to_ascii_uppercase()).collect();
    data_encoding::BASE32_NOPAD.decode(upper.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::{Totp, base32_key};

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_published_values_of_rfc_6238_appendix_b_for_sha_1() {
        let totp = Totp { digits: 8, ..Totp::default() };
        let key = b"12345678901234567890";
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(totp.code(key, totp.step(seconds * 1000)), code, "at {seconds}");
        }
    }

    #[test]
    fn base32_is_read_in_every_form_in_which_people_write_it() {
        let key = base32_key(SECRET).unwrap();
        assert_eq!(key, b"12345678901234567890");
        for form in
            ["gezdgnbvgy3tqojqgezdgnbvgy3tqojq", "GEZD GNBV GY3T QOJQ GEZD-GNBV-GY3T-QOJQ===="]
        {
            assert_eq!(base32_key(form).unwrap(), key);
        }
        assert!(base32_key("1890").is_none());
    }

    #[test]
    fn six_digits_and_the_raw_characters_as_key() {
        let totp = Totp::default();
        assert_eq!(totp.code(&base32_key(SECRET).unwrap(), totp.step(59_000)), "287082");
        assert_eq!(totp.code(SECRET.as_bytes(), totp.step(59_000)), "372946");
    }

    #[test]
    fn a_code_is_taken_within_the_tolerance_only() {
        let totp = Totp::default();
        let code = totp.code(b"k", 100);
        assert_eq!(totp.matching_step(b"k", &code, 99 * 30_000), Some(100));
        assert_eq!(totp.matching_step(b"k", &code, 101 * 30_000), Some(100));
        assert_eq!(totp.matching_step(b"k", &code, 102 * 30_000), None);
        let strict = Totp { tolerance: 0, ..totp };
        assert_eq!(strict.matching_step(b"k", &code, 101 * 30_000), None);
    }
}
