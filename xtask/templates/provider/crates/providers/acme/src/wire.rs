//! The bodies, by their literal names.

use countersign_core::{
    AccessToken, Error, Lifetime, RefreshToken, SecretString, TokenResponse, jwt,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(crate) struct SignIn<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Refresh<'a> {
    pub(crate) refresh_token: &'a str,
}

/// The answer to both. Lifetimes are whole seconds; a refresh need not bring a refresh token.
#[derive(Deserialize)]
pub(crate) struct Session {
    access_token: SecretString,
    expires_in: Option<i64>,
    refresh_token: Option<SecretString>,
    refresh_expires_in: Option<i64>,
}

/// The body of a refusal.
#[derive(Deserialize, Default)]
pub(crate) struct Complaint {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl Session {
    /// Everything that the answer gave; which of it holds is the engine's to decide.
    pub(crate) fn into_tokens(self) -> Result<TokenResponse, Error> {
        let mut tokens = TokenResponse::new(AccessToken::new(self.access_token)?);
        tokens.access_expiry = self.expires_in.and_then(Lifetime::seconds);
        tokens.refresh_token = self.refresh_token.map(RefreshToken::new).transpose()?;
        tokens.refresh_expiry = self.refresh_expires_in.and_then(Lifetime::seconds);
        // A token that is no JWT names nobody.
        let claims = jwt::Claims::read(tokens.access_token.secret()).ok();
        tokens.subject = claims.and_then(|claims| claims.id("sub")).map(Into::into);
        Ok(tokens)
    }
}
