//! A token set as JSON, and the tokens that stand behind it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use countersign_core::{
    AccessToken, Error, IdToken, Profile, RefreshToken, SecretBuffer, SecretBytes, SecretString,
    StoredTokens, Timestamp, TokenSet,
};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::HiddenText;
use super::{StoredGeneration, Unreadable, in_base64};
use crate::format::RecordFormat;

#[derive(Serialize, Deserialize)]
pub(super) struct Tokens<'a> {
    generation: StoredGeneration,
    access_token: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Token>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<Token>,
    issued_at: i64,
    expires_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<i64>,
    #[serde(default)]
    refreshes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    profile: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

/// A token in its place.
enum Token {
    /// Here, as hidden text.
    Here(HiddenText),
    /// Behind the JSON, after those that are named before it; so many bytes.
    Apart(usize),
}

/// About so many bytes `set` takes.
pub(super) fn length(set: &TokenSet, format: RecordFormat) -> usize {
    let takes = |text: &SecretString| match format.sets_tokens_apart() {
        true => text.len(),
        false => in_base64(text.len()),
    };
    let secrets: usize = secrets(set).into_iter().flatten().map(takes).sum();
    let set = set.stored();
    let texts = set.profile.iter().map(|(name, value)| name.len() + value.len() + 6);
    secrets + texts.sum::<usize>() + set.subject.as_ref().map_or(0, |subject| subject.len())
}

/// Appends the tokens of `set`, one behind the other.
pub(super) fn write_apart(set: &TokenSet, into: &mut SecretBuffer) {
    for secret in secrets(set).into_iter().flatten() {
        into.push(secret.to_bytes().expose_bytes());
    }
}

/// The tokens in the order in which they are written.
fn secrets(set: &TokenSet) -> [Option<&SecretString>; 3] {
    let set = set.stored();
    [
        Some(set.access_token.secret()),
        set.refresh_token.as_ref().map(RefreshToken::secret),
        set.id_token.as_ref().map(IdToken::secret),
    ]
}

impl<'a> Tokens<'a> {
    pub(super) fn new(set: &'a TokenSet, format: RecordFormat) -> Self {
        let token = |secret: &SecretString| match format.sets_tokens_apart() {
            true => Token::Apart(secret.len()),
            false => Token::Here(secret.into()),
        };
        let set = set.stored();
        Self {
            generation: set.generation.into(),
            access_token: token(set.access_token.secret()),
            refresh_token: set.refresh_token.as_ref().map(|refresh| token(refresh.secret())),
            id_token: set.id_token.as_ref().map(|id| token(id.secret())),
            issued_at: set.issued_at.as_millis(),
            expires_at: set.expires_at.as_millis(),
            refresh_expires_at: set.refresh_expires_at.map(Timestamp::as_millis),
            refreshes: set.refreshes,
            subject: set.subject.as_deref().map(Cow::from),
            profile: set.profile.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }

    /// The set; tokens that stand apart are taken from the front of `apart`.
    pub(super) fn set(self, apart: &mut &[u8]) -> Result<TokenSet, Unreadable> {
        let mut profile = Profile::new();
        for (name, value) in &self.profile {
            profile.set(name, value);
        }
        Ok(TokenSet::from_stored(StoredTokens {
            generation: self.generation.into(),
            access_token: self.access_token.read(apart, AccessToken::new)?,
            refresh_token: maybe(self.refresh_token, apart, RefreshToken::new)?,
            id_token: maybe(self.id_token, apart, IdToken::new)?,
            issued_at: Timestamp::from_millis(self.issued_at),
            expires_at: Timestamp::from_millis(self.expires_at),
            refresh_expires_at: self.refresh_expires_at.map(Timestamp::from_millis),
            refreshes: self.refreshes,
            subject: self.subject.map(Into::into),
            profile,
        }))
    }
}

impl Token {
    fn read<T>(
        self,
        apart: &mut &[u8],
        make: impl FnOnce(SecretString) -> Result<T, Error>,
    ) -> Result<T, Unreadable> {
        let text = match self {
            Self::Here(text) => text.text(),
            Self::Apart(length) => {
                let (bytes, rest) = apart.split_at_checked(length).ok_or(Unreadable)?;
                *apart = rest;
                SecretString::from_bytes(SecretBytes::copy_from(bytes)).ok_or(Unreadable)?
            }
        };
        make(text).map_err(|_| Unreadable)
    }
}

fn maybe<T>(
    token: Option<Token>,
    apart: &mut &[u8],
    make: impl FnOnce(SecretString) -> Result<T, Error>,
) -> Result<Option<T>, Unreadable> {
    token.map(|token| token.read(apart, make)).transpose()
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Here(text) => text.serialize(serializer),
            Self::Apart(length) => length.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HereOrApart;

        impl Visitor<'_> for HereOrApart {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text, or how many bytes of it stand apart")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Token, E> {
                HiddenText::from_base64(text).map(Token::Here)
            }

            fn visit_u64<E: de::Error>(self, length: u64) -> Result<Token, E> {
                usize::try_from(length).map(Token::Apart).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(HereOrApart)
    }
}
