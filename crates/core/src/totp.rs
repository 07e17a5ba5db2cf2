//! Time-based one-time passwords (RFC 6238 over RFC 4226, SHA-1).

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::error::{Error, ErrorKind};
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// How the text of a shared secret becomes the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum SecretEncoding {
    /// RFC 4648 base32; lower case, spaces, hyphens and missing padding are accepted.
    #[default]
    Base32,
    /// The characters themselves are the key.
    Raw,
}

/// A shared secret, ready to compute codes.
#[derive(Clone)]
pub struct Totp {
    key: SecretBytes,
    step: Duration,
    digits: u32,
}

/// Which time step a code belongs to: the number of steps since the Unix epoch (RFC 6238 §4.2).
pub type TimeStep = u64;

impl Totp {
    /// Six digits every `step`. The shared secret is decoded as `encoding` says.
    ///
    /// # Errors
    /// [`ErrorKind::Credentials`] if the secret is empty or no base32, [`ErrorKind::Configuration`] if
    /// `step` is shorter than a second.
    pub fn new(
        secret: &SecretString,
        encoding: SecretEncoding,
        step: Duration,
    ) -> Result<Self, Error> {
        if step < Duration::from_secs(1) {
            return Err(Error::new(ErrorKind::Configuration)
                .hint("the time step of a one-time code is at least one second"));
        }
        let key = match encoding {
            SecretEncoding::Raw => secret.to_bytes(),
            SecretEncoding::Base32 => decode_base32(secret)?,
        };
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Credentials).hint("the TOTP secret is empty"));
        }
        Ok(Self { key, step, digits: 6 })
    }

    /// The time step that `now` (the server's time) falls into.
    pub fn step_at(&self, now: Timestamp) -> TimeStep {
        let step = i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX);
        now.as_millis().div_euclid(step).try_into().unwrap_or(0)
    }

    /// When `step` begins.
    pub fn begins_at(&self, step: TimeStep) -> Timestamp {
        let millis = u128::from(step).saturating_mul(self.step.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    /// The code of `step`, with its leading zeros.
    pub fn code(&self, step: TimeStep) -> SecretString {
        // HMAC takes a key of any length; the error type is never made.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(self.key.expose_bytes()) else {
            return SecretString::default();
        };
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let offset = usize::from(digest[19] & 0x0f);
        let four = [digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]];
        let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 10u32.pow(self.digits);
        SecretString::new(format!("{number:0width$}", width = self.digits as usize))
    }
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Totp(step {:?})", self.step)
    }
}

fn decode_base32(secret: &SecretString) -> Result<SecretBytes, Error> {
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(secret.len()));
    text.extend(
        secret
            .expose()
            .bytes()
            .filter(|b| !b.is_ascii_whitespace() && !matches!(b, b'-' | b'='))
            .map(|b| b.to_ascii_uppercase()),
    );
    // Some issuers leave bits over at the end; they carry nothing and are dropped.
    let mut lenient = data_encoding::BASE32_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let decoded = lenient.encoding().ok().and_then(|base32| base32.decode(&text).ok());
    decoded.map(SecretBytes::new).ok_or_else(|| {
        Error::new(ErrorKind::Credentials)
            .hint("the TOTP secret is not base32 (letters A to Z and digits 2 to 7); copy it again, or set its encoding to raw")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn code(secret: &str, encoding: SecretEncoding, at: i64) -> String {
        let secret = SecretString::new(secret);
        let totp = Totp::new(&secret, encoding, Duration::from_secs(30)).unwrap();
        totp.code(totp.step_at(Timestamp::from_seconds(at))).expose().to_owned()
    }

    #[test]
    fn p11_the_published_values_pass() {
        // RFC 6238 appendix B, cut to six digits.
        for (at, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, SecretEncoding::Base32, at), expected);
        }
        assert_eq!(code(SECRET, SecretEncoding::Raw, 59), "372946");
    }

    #[test]
    fn p11_lower_case_spaces_hyphens_and_padding_do_not_matter() {
        for text in [
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBV-GY3TQOJQ-GEZDGNBV-GY3TQOJQ",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ======",
        ] {
            assert_eq!(code(text, SecretEncoding::Base32, 59), "287082");
        }
        // 80 bits, as many issuers give, and a length that is no whole number of bytes.
        assert_eq!(code("JBSWY3DPEHPK3PXP", SecretEncoding::Base32, 0).len(), 6);
        assert_eq!(code("JBSWY3DPEHPK3PX", SecretEncoding::Base32, 0).len(), 6);
    }

    #[test]
    fn p11_a_wrong_secret_is_told_without_being_repeated() {
        let secret = SecretString::new("canary-0189");
        let error =
            Totp::new(&secret, SecretEncoding::Base32, Duration::from_secs(30)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn f38_a_step_and_its_begin_agree() {
        let secret = SecretString::new(SECRET);
        let totp = Totp::new(&secret, SecretEncoding::Base32, Duration::from_secs(2)).unwrap();
        let now = Timestamp::from_millis(1_000_001_999);
        let step = totp.step_at(now);
        assert!(totp.begins_at(step) <= now && now < totp.begins_at(step + 1));
    }
}
