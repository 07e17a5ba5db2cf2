//! The shared secret of a second factor that is being set up.

use std::fmt;

use countersign_core::{Challenge, SecretBuffer, SecretString};

use crate::pending::Pending;

/// The shared secret of a software token that the pool has made and that no code has proved yet.
///
/// It comes with the challenge of an enrolment (`MFA_SETUP` after its choice, or what the operation
/// `associate_software_token` answers) and is told to whoever asks for it here: neither the parameters of
/// the challenge nor any `Debug` shows it. Whoever keeps it can make the codes of the account, as the
/// `totp_secret` of the credentials.
///
/// ```
/// # use countersign_core::Challenge;
/// use countersign_cognito::SoftwareToken;
///
/// # fn enrol(challenge: &Challenge, screen: &mut dyn FnMut(&str)) {
/// if let Some(token) = SoftwareToken::of(challenge) {
///     screen(token.uri("Example", "kim").expose());
/// }
/// # }
/// ```
pub struct SoftwareToken(SecretString);

impl SoftwareToken {
    /// The secret that `challenge` carries; `None` if it is not about one.
    pub fn of(challenge: &Challenge) -> Option<Self> {
        Pending::from_continuation(&challenge.continuation).ok()?.shared_secret.map(Self)
    }

    /// The secret in base32 (RFC 4648 §6), as a person types it into an authenticator and as
    /// `totp_secret` takes it.
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }

    /// The secret as `otpauth://totp/ISSUER:ACCOUNT?secret=...&issuer=ISSUER`, which authenticators read
    /// as a QR code. Six digits every 30 seconds with SHA-1 are what every authenticator assumes.
    pub fn uri(&self, issuer: &str, account: &str) -> SecretString {
        let mut uri = SecretBuffer::new();
        uri.push(b"otpauth://totp/");
        push_encoded(&mut uri, issuer);
        uri.push(b":");
        push_encoded(&mut uri, account);
        uri.push(b"?secret=");
        push_encoded(&mut uri, self.0.expose());
        uri.push(b"&issuer=");
        push_encoded(&mut uri, issuer);
        SecretString::from_bytes(uri.finish()).unwrap_or_default()
    }
}

impl fmt::Debug for SoftwareToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareToken([redacted])")
    }
}

/// Percent-encodes everything but the unreserved characters (RFC 3986 §2.3).
fn push_encoded(buffer: &mut SecretBuffer, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => buffer.push(&[byte]),
            _ if byte.is_ascii_alphanumeric() => buffer.push(&[byte]),
            _ => buffer.push(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_core::{ChallengeKind, Continuation, SecretBytes, Timestamp};

    use super::*;

    fn challenge(kept: &str) -> Challenge {
        let continuation = Continuation::new(SecretBytes::copy_from(kept.as_bytes()));
        Challenge::new("MFA_SETUP", ChallengeKind::Code, continuation, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn f32_the_secret_is_told_on_request_only() {
        let kept =
            r#"{"challenge":"MFA_SETUP","session":"s","shared_secret":"CANARY","username":"kim"}"#;
        let challenge = challenge(kept);
        let token = SoftwareToken::of(&challenge).unwrap();
        assert_eq!(token.secret().expose(), "CANARY");
        assert_eq!(
            token.uri("Shop & Co", "kim@example.org").expose(),
            "otpauth://totp/Shop%20%26%20Co:kim%40example.org?secret=CANARY&issuer=Shop%20%26%20Co"
        );
        assert!(!format!("{token:?} {challenge:?} {:?}", token.uri("a", "b")).contains("CANARY"));
    }

    #[test]
    fn a_challenge_about_something_else_has_no_secret() {
        for kept in [r#"{"challenge":"SMS_MFA","session":"s","username":"kim"}"#, "", "canary"] {
            assert!(SoftwareToken::of(&challenge(kept)).is_none());
        }
    }
}
