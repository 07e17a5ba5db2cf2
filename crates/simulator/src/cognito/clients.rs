//! The app client of a request, and its secret in the three spellings.

use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::secret_hash::secret_hash;
use super::wire::{Asked, required};
use super::{Settings, chain};
use crate::account::{AccountKind, Accounts};

/// One app client. Without a secret it is a public one.
pub(super) struct Client {
    pub(super) id: String,
    secret: Option<String>,
    /// What the client itself allows, by the flows' names with commas.
    flows: Option<String>,
}

impl Client {
    /// The app client that the request names.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for an unknown one.
    pub(super) fn of(asked: &Asked, accounts: &Accounts) -> Result<Self, Refusal> {
        let id = required(&asked.client_id, "clientId")?;
        let known = accounts.get(id).filter(|account| account.kind == AccountKind::Client);
        let Some(known) = known else {
            let text = format!("User pool client {id} does not exist.");
            return Err(Refusal::new("ResourceNotFoundException", text, "unknown_client"));
        };
        let secret = Some(known.password.clone()).filter(|secret| !secret.is_empty());
        let flows = known.attributes.get("flows").cloned();
        Ok(Self { id: known.identity.clone(), secret, flows })
    }

    /// Whether the client allows this flow: by its own list, else by that of the pool.
    pub(super) fn allows(&self, settings: &Settings, flow: AuthFlow) -> bool {
        // A client whose refresh tokens rotate cannot allow this one.
        if flow == AuthFlow::Refresh && settings.rotation.is_some() {
            return false;
        }
        match &self.flows {
            Some(own) => chain::list(own).any(|name| AuthFlow::named(name) == Some(flow)),
            None => settings.flows.contains(&flow),
        }
    }

    /// Checks `SECRET_HASH` or `SecretHash` against the names of which it may be made.
    ///
    /// # Errors
    /// `NotAuthorizedException` for a missing, a wrong and a superfluous one.
    pub(super) fn check_hash(&self, hash: Option<&str>, names: &[&str]) -> Result<(), Refusal> {
        let Some(secret) = &self.secret else {
            return match hash {
                None => Ok(()),
                Some(_) => Err(self.superfluous("secret hash")),
            };
        };
        let Some(hash) = hash else {
            return Err(self.missing("SECRET_HASH"));
        };
        match names.iter().any(|name| secret_hash(secret, name, &self.id) == hash) {
            true => Ok(()),
            false => Err(self.wrong()),
        }
    }

    /// Checks `ClientSecret`, which is the plain secret.
    ///
    /// # Errors
    /// `NotAuthorizedException`; its texts are not documented for this spelling and are those of the hash.
    pub(super) fn check_secret(&self, presented: Option<&str>) -> Result<(), Refusal> {
        match (&self.secret, presented) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(self.superfluous("secret")),
            (Some(_), None) => Err(self.missing("secret")),
            (Some(secret), Some(presented)) if secret == presented => Ok(()),
            (Some(_), Some(_)) => Err(self.wrong()),
        }
    }

    fn missing(&self, what: &str) -> Refusal {
        let text =
            format!("Client {} is configured with secret but {what} was not received", self.id);
        Refusal::not_authorized(&text, "client_secret_missing")
    }

    fn superfluous(&self, what: &str) -> Refusal {
        let text =
            format!("Client {} is not configured for secret but {what} was received", self.id);
        Refusal::not_authorized(&text, "client_secret_superfluous")
    }

    fn wrong(&self) -> Refusal {
        let text = format!("Unable to verify secret hash for client {}", self.id);
        Refusal::not_authorized(&text, "client_secret_wrong")
    }
}
