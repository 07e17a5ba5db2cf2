//! The bodies of the token endpoint, by their literal names (RFC 6749 §5).

use std::time::Duration;

use countersign_core::{AccessToken, Error, Lifetime, SecretString, TokenResponse};
use serde::Deserialize;

/// RFC 6749 §5.1. `token_type` is not read: the hub takes the raw token.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: SecretString,
    expires_in: Option<i64>,
}

impl Granted {
    pub(super) fn into_tokens(self) -> Result<TokenResponse, Error> {
        let mut tokens = TokenResponse::new(AccessToken::new(self.access_token)?);
        let seconds = self.expires_in.and_then(|seconds| u64::try_from(seconds).ok());
        let life = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        tokens.access_expiry = life.map(Lifetime::For);
        Ok(tokens)
    }
}

/// RFC 6749 §5.2.
#[derive(Deserialize, Default)]
pub(super) struct Refused {
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}
