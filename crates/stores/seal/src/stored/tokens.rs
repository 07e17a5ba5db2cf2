//! A token set as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use countersign_core::{
    AccessToken, Error, IdToken, Profile, RefreshToken, SecretString, StoredTokens, Timestamp,
    TokenSet,
};
use serde::{Deserialize, Serialize};

use super::text::HiddenText;
use super::{StoredGeneration, Unreadable, in_base64};

#[derive(Serialize, Deserialize)]
pub(super) struct Tokens<'a> {
    generation: StoredGeneration,
    access_token: HiddenText,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<HiddenText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<HiddenText>,
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

/// About so many bytes `set` takes.
pub(super) fn length(set: &TokenSet) -> usize {
    let set = set.stored();
    let secrets = [
        Some(set.access_token.secret()),
        set.refresh_token.as_ref().map(RefreshToken::secret),
        set.id_token.as_ref().map(IdToken::secret),
    ];
    let secrets: usize = secrets.into_iter().flatten().map(|text| in_base64(text.len())).sum();
    let texts = set.profile.iter().map(|(name, value)| name.len() + value.len() + 6);
    secrets + texts.sum::<usize>() + set.subject.as_ref().map_or(0, |subject| subject.len())
}

impl<'a> From<&'a TokenSet> for Tokens<'a> {
    fn from(set: &'a TokenSet) -> Self {
        let set = set.stored();
        Self {
            generation: set.generation.into(),
            access_token: set.access_token.secret().into(),
            refresh_token: set.refresh_token.as_ref().map(|token| token.secret().into()),
            id_token: set.id_token.as_ref().map(|token| token.secret().into()),
            issued_at: set.issued_at.as_millis(),
            expires_at: set.expires_at.as_millis(),
            refresh_expires_at: set.refresh_expires_at.map(Timestamp::as_millis),
            refreshes: set.refreshes,
            subject: set.subject.as_deref().map(Cow::from),
            profile: set.profile.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }
}

impl TryFrom<Tokens<'_>> for TokenSet {
    type Error = Unreadable;

    fn try_from(stored: Tokens<'_>) -> Result<Self, Unreadable> {
        let mut profile = Profile::new();
        for (name, value) in &stored.profile {
            profile.set(name, value);
        }
        Ok(Self::from_stored(StoredTokens {
            generation: stored.generation.into(),
            access_token: token(stored.access_token, AccessToken::new)?,
            refresh_token: maybe(stored.refresh_token, RefreshToken::new)?,
            id_token: maybe(stored.id_token, IdToken::new)?,
            issued_at: Timestamp::from_millis(stored.issued_at),
            expires_at: Timestamp::from_millis(stored.expires_at),
            refresh_expires_at: stored.refresh_expires_at.map(Timestamp::from_millis),
            refreshes: stored.refreshes,
            subject: stored.subject.map(Into::into),
            profile,
        }))
    }
}

fn token<T>(
    text: HiddenText,
    make: impl FnOnce(SecretString) -> Result<T, Error>,
) -> Result<T, Unreadable> {
    make(text.text()).map_err(|_| Unreadable)
}

fn maybe<T>(
    text: Option<HiddenText>,
    make: impl FnOnce(SecretString) -> Result<T, Error>,
) -> Result<Option<T>, Unreadable> {
    text.map(|text| token(text, make)).transpose()
}
