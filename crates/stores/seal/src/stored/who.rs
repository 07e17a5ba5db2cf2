//! Whose record it is, as JSON.

use countersign_core::StoredKey;
use serde::{Deserialize, Serialize};

use super::Unreadable;

/// Another part of a key would be another format: a field that is not known here is refused, since a
/// record that is written back without it would be somebody else's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Who {
    provider: Box<str>,
    origin: Box<str>,
    tenant: Box<str>,
    identity: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Box<str>>,
}

impl From<&StoredKey> for Who {
    fn from(key: &StoredKey) -> Self {
        Self {
            provider: key.provider().into(),
            origin: key.origin().to_string().into(),
            tenant: key.tenant().into(),
            identity: key.identity().into(),
            client: key.client().map(Into::into),
            audience: key.audience().map(Into::into),
        }
    }
}

impl TryFrom<Who> for StoredKey {
    type Error = Unreadable;

    fn try_from(who: Who) -> Result<Self, Unreadable> {
        let account = Self::of_account(&who.provider, &who.origin, &who.tenant, &who.identity);
        let account = account.ok_or(Unreadable)?;
        match (who.client, who.audience) {
            (None, None) => Ok(account),
            (Some(client), Some(audience)) => Ok(account.with_session(&client, &audience)),
            _ => Err(Unreadable),
        }
    }
}
