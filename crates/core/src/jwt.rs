//! Reading the claims of a JWT (RFC 7519 §4). Reading is not verifying: nothing here says that a
//! token is genuine, and nothing is granted on the strength of a claim.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// The claims set of a JWT, unverified.
pub struct Claims(serde_json::Map<String, serde_json::Value>);

impl Claims {
    /// Reads the second part of a compact JWS (RFC 7515 §3.1).
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if the token is opaque, that is no JWT. Treat that as "no claims".
    pub fn read(token: &SecretString) -> Result<Self, Error> {
        let opaque = || Error::new(ErrorKind::Protocol).hint("the token is opaque");
        let mut parts = token.expose().split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(opaque());
        };
        let payload = payload.trim_end_matches('=').as_bytes();
        let json = data_encoding::BASE64URL_NOPAD.decode(payload).map_err(|_| opaque())?;
        let json = SecretBytes::new(json);
        serde_json::from_slice(json.expose_bytes()).map(Self).map_err(|_| opaque())
    }

    /// When the token ends: `exp` (RFC 7519 §4.1.4), a whole or fractional number of seconds. `None` if
    /// it is missing, no number, or not after 1970.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.numeric_date("exp")
    }

    /// When it was issued: `iat` (RFC 7519 §4.1.6).
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.numeric_date("iat")
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a string or a whole number, as text.
    pub fn id(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => number.as_i64().map(|n| n.to_string()),
            _ => None,
        }
    }

    fn numeric_date(&self, name: &str) -> Option<Timestamp> {
        let value = self.0.get(name)?;
        // A float beyond the range of i64 saturates in the cast, and a timestamp saturates after it.
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|s| s as i64))?;
        (seconds > 0).then(|| Timestamp::from_seconds(seconds))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: &str) -> Result<Claims, Error> {
        let body = data_encoding::BASE64URL_NOPAD.encode(claims.as_bytes());
        Claims::read(&SecretString::new(format!("e30.{body}.c2ln")))
    }

    #[test]
    fn claims_are_read() {
        let claims = read(r#"{"exp":1893459600,"user_id":41,"sub":"kim"}"#).unwrap();
        assert_eq!(claims.expires_at(), Some(Timestamp::from_seconds(1_893_459_600)));
        assert_eq!(claims.id("user_id").as_deref(), Some("41"));
        assert_eq!(claims.text("sub"), Some("kim"));
    }

    #[test]
    fn f49_absurd_expiries_are_no_expiry_and_do_not_overflow() {
        for bad in [r#"{"exp":-5}"#, r#"{"exp":"soon"}"#, r#"{"exp":0}"#, r#"{"exp":null}"#, "{}"] {
            assert_eq!(read(bad).unwrap().expires_at(), None, "{bad}");
        }
        assert!(read(r#"{"exp":1e300}"#).unwrap().expires_at().is_some());
    }

    #[test]
    fn f43_what_is_no_jwt_is_opaque() {
        for opaque in ["", "abc", "a.b", "a.!!.c", "a.b.c.d", "e30.bm90anNvbg.c"] {
            assert!(Claims::read(&SecretString::new(opaque)).is_err(), "{opaque}");
        }
    }
}
