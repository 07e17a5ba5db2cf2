//! Whose record it is, as JSON.

use std::borrow::Cow;

use countersign_core::{AccountKey, SessionKey, StoredKey};
use serde::{Deserialize, Serialize};

use super::Unreadable;

/// Another part of a key would be another format: a field that is not known here is refused, since a
/// record that is written back without it would be somebody else's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Who<'a> {
    provider: Cow<'a, str>,
    origin: Cow<'a, str>,
    tenant: Cow<'a, str>,
    identity: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Cow<'a, str>>,
}

impl Who<'_> {
    /// About so many bytes are written.
    pub(crate) fn length(&self) -> usize {
        let of = |part: &Option<Cow<'_, str>>| part.as_ref().map_or(0, |part| part.len());
        let texts =
            self.provider.len() + self.origin.len() + self.tenant.len() + self.identity.len();
        NAMES + texts + of(&self.client) + of(&self.audience)
    }
}

/// The names of the fields, and what stands around them.
const NAMES: usize = 96;

impl<'a> From<&'a AccountKey> for Who<'a> {
    fn from(key: &'a AccountKey) -> Self {
        Self {
            provider: key.provider().as_str().into(),
            origin: key.origin().as_str().into(),
            tenant: key.tenant().into(),
            identity: key.identity().into(),
            client: None,
            audience: None,
        }
    }
}

impl<'a> From<&'a SessionKey> for Who<'a> {
    fn from(key: &'a SessionKey) -> Self {
        let (client, audience) = (key.client().into(), key.audience().into());
        Self { client: Some(client), audience: Some(audience), ..key.account().into() }
    }
}

impl<'a> From<&'a StoredKey> for Who<'a> {
    fn from(key: &'a StoredKey) -> Self {
        Self {
            provider: key.provider().into(),
            origin: key.origin().as_str().into(),
            tenant: key.tenant().into(),
            identity: key.identity().into(),
            client: key.client().map(Into::into),
            audience: key.audience().map(Into::into),
        }
    }
}

impl TryFrom<Who<'_>> for StoredKey {
    type Error = Unreadable;

    fn try_from(who: Who<'_>) -> Result<Self, Unreadable> {
        let account = Self::of_account(&who.provider, &who.origin, &who.tenant, &who.identity);
        let account = account.ok_or(Unreadable)?;
        match (who.client, who.audience) {
            (None, None) => Ok(account),
            (Some(client), Some(audience)) => Ok(account.with_session(&client, &audience)),
            _ => Err(Unreadable),
        }
    }
}
