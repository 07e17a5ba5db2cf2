//! What signs the account of a case in.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use countersign_core::{AccountKey, CredentialSource, Credentials, Error};

/// Credentials that can change while sessions live, as a vault's do.
#[derive(Clone)]
pub(crate) struct Purse(Arc<Mutex<Credentials>>);

impl Purse {
    pub(crate) fn of(credentials: &Credentials) -> Self {
        Self(Arc::new(Mutex::new(credentials.clone())))
    }

    pub(crate) fn edit(&self, change: impl FnOnce(Credentials) -> Credentials) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = change(held.clone());
    }
}

#[async_trait]
impl CredentialSource for Purse {
    async fn credentials(&self, _account: &AccountKey) -> Result<Credentials, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
