//! Secrets and fingerprints as JSON text.

use std::fmt;

use countersign_core::{Fingerprint, SecretBuffer, SecretBytes, SecretString};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A secret as base64. The alphabet needs no escapes, so a parser hands the text out without copying
/// it into a buffer that nobody wipes.
pub(super) struct Hidden(SecretBytes);

impl Hidden {
    pub(super) fn bytes(self) -> SecretBytes {
        self.0
    }

    fn from_base64<E: Error>(text: &str) -> Result<Self, E> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes
            .map(|bytes| Self(SecretBytes::new(bytes)))
            .map_err(|_| E::custom("text that is not base64"))
    }
}

impl From<&SecretBytes> for Hidden {
    fn from(secret: &SecretBytes) -> Self {
        Self(secret.clone())
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = self.0.expose_bytes();
        let length = BASE64URL_NOPAD.encode_len(secret.len());
        let mut json = SecretBuffer::with_capacity(length + 2);
        json.push(b"\"");
        BASE64URL_NOPAD.encode_mut(secret, json.push_zeros(length));
        json.push(b"\"");
        // As JSON that is whole already: a serializer would look at every character for escapes.
        let json: &RawValue = serde_json::from_slice(json.expose())
            .map_err(|_| serde::ser::Error::custom("text that is not base64"))?;
        json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Hidden;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Hidden, E> {
                Hidden::from_base64(text)
            }
        }

        deserializer.deserialize_str(Base64)
    }
}

/// Secret text, in the same form.
pub(super) struct HiddenText(SecretString);

impl HiddenText {
    pub(super) fn text(self) -> SecretString {
        self.0
    }

    pub(super) fn from_base64<E: Error>(text: &str) -> Result<Self, E> {
        Self::of(Hidden::from_base64(text)?)
    }

    fn of<E: Error>(hidden: Hidden) -> Result<Self, E> {
        let text = SecretString::from_bytes(hidden.0);
        text.map(Self).ok_or_else(|| E::custom("secret text that is not UTF-8"))
    }
}

impl From<&SecretString> for HiddenText {
    fn from(secret: &SecretString) -> Self {
        Self(secret.clone())
    }
}

impl Serialize for HiddenText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Hidden(self.0.to_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HiddenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Hidden::deserialize(deserializer)?)
    }
}

/// A fingerprint as 32 hexadecimal digits.
pub(super) struct Digits(Fingerprint);

impl Digits {
    pub(super) const fn fingerprint(self) -> Fingerprint {
        self.0
    }
}

impl From<Fingerprint> for Digits {
    fn from(fingerprint: Fingerprint) -> Self {
        Self(fingerprint)
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0.to_raw()))
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let raw = HEXLOWER.decode(text.as_bytes()).ok();
        let raw: Option<[u8; 16]> = raw.and_then(|raw| raw.try_into().ok());
        let raw = raw.ok_or_else(|| D::Error::custom("text that is no fingerprint"))?;
        Ok(Self(Fingerprint::from_raw(raw)))
    }
}
