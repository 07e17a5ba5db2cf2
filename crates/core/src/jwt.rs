//! Reading the claims of a JWT (RFC 7519 §4). Reading is not verifying: nothing here says that a
//! token is genuine, and nothing is granted on the strength of a claim.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

use crate::error::{Error, ErrorKind};
use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// The claims set of a JWT, unverified. Kept as it came: of a dozen claims one or two are asked for.
pub struct Claims(SecretBytes);

impl Claims {
    /// Reads the second part of a compact JWS (RFC 7515 §3.1).
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] if the token is opaque, that is no JWT. Treat that as "no claims".
    pub fn read(token: &SecretString) -> Result<Self, Error> {
        let opaque = || Error::new(ErrorKind::Protocol).hint("the token is opaque");
        let claims = Self::unread(token).ok_or_else(opaque)?;
        claims.find("").map_err(|_| opaque())?;
        Ok(claims)
    }

    /// [`Claims::id`] of a token of which nothing else is asked; `None` too if the token is opaque.
    pub fn id_in(token: &SecretString, name: &str) -> Option<String> {
        Self::unread(token)?.id(name)
    }

    /// What stands where a JWT has its claims.
    fn unread(token: &SecretString) -> Option<Self> {
        let mut parts = token.expose_bytes().split(|byte| *byte == b'.');
        let (Some(_), Some(mut payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        while let Some(shorter) = payload.strip_suffix(b"=") {
            payload = shorter;
        }
        let json = data_encoding::BASE64URL_NOPAD.decode(payload).ok()?;
        Some(Self(SecretBytes::new(json)))
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
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A claim that is a string or a whole number, as text.
    pub fn id(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            Value::Number(number) => number.as_i64().map(|n| n.to_string()),
            _ => None,
        }
    }

    fn get(&self, name: &str) -> Option<Value> {
        self.find(name).ok()?
    }

    /// The value of a claim; fails if there is no set of claims here.
    fn find(&self, name: &str) -> serde_json::Result<Option<Value>> {
        let mut json = Deserializer::from_slice(self.0.expose_bytes());
        let found = json.deserialize_map(Claim(name))?;
        json.end()?;
        Ok(found)
    }

    fn numeric_date(&self, name: &str) -> Option<Timestamp> {
        let value = self.get(name)?;
        // A float beyond the range of i64 saturates in the cast, and a timestamp saturates after it.
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|s| s as i64))?;
        (seconds > 0).then(|| Timestamp::from_seconds(seconds))
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims: Map<String, Value> =
            serde_json::from_slice(self.0.expose_bytes()).unwrap_or_default();
        f.write_str("Claims")?;
        f.debug_set().entries(claims.keys()).finish()
    }
}

/// Finds the value of one claim and makes nothing of the others.
struct Claim<'a>(&'a str);

impl<'de> Visitor<'de> for Claim<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a set of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        // The last one of a name counts (RFC 7519 §4).
        while let Some(is_it) = claims.next_key_seed(Named(self.0))? {
            if is_it {
                found = Some(claims.next_value()?);
            } else {
                claims.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct Named<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a claim")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> SecretString {
        let body = data_encoding::BASE64URL_NOPAD.encode(claims.as_bytes());
        SecretString::new(format!("e30.{body}.c2ln"))
    }

    fn read(claims: &str) -> Result<Claims, Error> {
        Claims::read(&token(claims))
    }

    #[test]
    fn claims_are_read() {
        let claims = read(r#"{"exp":1893459600,"user_id":41,"sub":"kim"}"#).unwrap();
        assert_eq!(claims.expires_at(), Some(Timestamp::from_seconds(1_893_459_600)));
        assert_eq!(claims.id("user_id").as_deref(), Some("41"));
        let token = token(r#"{"exp":1893459600,"user_id":41,"sub":"kim"}"#);
        assert_eq!(Claims::id_in(&token, "user_id").as_deref(), Some("41"));
        assert_eq!(Claims::id_in(&token, "aud"), None);
        assert_eq!(claims.text("sub").as_deref(), Some("kim"));
    }

    #[test]
    fn a_claim_is_found_however_it_is_written_and_the_last_of_its_name_counts() {
        let claims = read(r#"{"a":{"exp":[1]},"\u0065xp":5,"sub":"x","exp":7,"z":"\n"}"#).unwrap();
        assert_eq!(claims.expires_at(), Some(Timestamp::from_seconds(7)));
        assert_eq!((claims.text("z").as_deref(), claims.text("a")), (Some("\n"), None));
        assert_eq!(format!("{claims:?}"), r#"Claims{"a", "exp", "sub", "z"}"#);
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
        for opaque in [
            "",
            "abc",
            "a.b",
            "a.!!.c",
            "a.b.c.d",
            "e30.bm90anNvbg.c",
            "e30.e30K.e30.x",
            "e30.W10.c",
            "e30.e31.c",
            "e30.e319.c",
        ] {
            let opaque = SecretString::new(opaque);
            assert!(Claims::read(&opaque).is_err(), "{}", opaque.expose());
            assert_eq!(Claims::id_in(&opaque, "sub"), None, "{}", opaque.expose());
        }
    }
}
