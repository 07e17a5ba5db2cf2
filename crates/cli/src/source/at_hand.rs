//! Of the sources of a profile what can be read at this moment.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_core::{AccountKey, CredentialKind, CredentialSource, Credentials, Error};

use super::{ProfileCredentials, set};
use crate::output;
use crate::terminal::escape;

/// Some kinds of secrets, of which none is needed for certain: one that cannot be read is left out. Nobody is asked.
pub(crate) struct AtHand {
    pub(crate) of: Arc<ProfileCredentials>,
    pub(crate) kinds: Vec<CredentialKind>,
    /// Whether the person is told of one that cannot be read.
    pub(crate) tell: bool,
}

#[async_trait]
impl CredentialSource for AtHand {
    async fn credentials(&self, account: &AccountKey) -> Result<Credentials, Error> {
        self.at_hand(account).await
    }

    /// So that nothing is missed where a session is opened.
    fn interactive(&self) -> bool {
        true
    }

    async fn at_hand(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        let mut credentials = self.of.bare();
        for (kind, source) in &self.of.sources {
            if source.is_interactive() || !self.kinds.contains(kind) {
                continue;
            }
            match self.of.secret(*kind).await {
                Ok(Some(secret)) => credentials = set(credentials, *kind, secret),
                Ok(None) => {}
                Err(error) if self.tell => {
                    output::say(&format!("note: {}", escape(error.hint_text())));
                }
                Err(_) => {}
            }
        }
        Ok(credentials)
    }
}
