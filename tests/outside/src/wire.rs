//! The bodies, by their literal names.

use countersign_core::{AccessToken, Error, Lifetime, RefreshToken, SecretString, TokenResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
pub(crate) struct SignIn<'a> {
    pub(crate) api_key: &'a str,
    pub(crate) api_secret: &'a str,
}

/// The answer to a sign-in and to a renewal.
#[derive(Deserialize)]
pub(crate) struct Session {
    token: SecretString,
    ttl_minutes: Option<Value>,
    account: Option<String>,
}

/// What is read of a problem (RFC 9457, section 3.1).
#[derive(Deserialize, Default)]
pub(crate) struct Problem {
    pub(crate) r#type: String,
    pub(crate) detail: Option<String>,
}

impl Session {
    /// The token buys the next one, so it is the refresh token too. How long is not in the answer.
    pub(crate) fn into_tokens(self) -> Result<TokenResponse, Error> {
        let mut tokens = TokenResponse::new(AccessToken::new(self.token.clone())?);
        tokens.refresh_token = Some(RefreshToken::new(self.token)?);
        tokens.access_expiry = self.ttl_minutes.as_ref().and_then(lifetime);
        tokens.subject = self.account.map(Into::into);
        Ok(tokens)
    }
}

/// Whole minutes, as text; an end that cannot be read is an unknown one, and costs no token.
fn lifetime(minutes: &Value) -> Option<Lifetime> {
    let minutes: i64 = minutes.to_string().trim_matches('"').parse().ok()?;
    Lifetime::seconds(minutes.saturating_mul(60))
}
