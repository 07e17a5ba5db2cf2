//! The bodies, by their literal names.

use std::time::Duration;

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
        tokens.access_expiry = lifetime(self.expires_in);
        tokens.refresh_token = self.refresh_token.map(RefreshToken::new).transpose()?;
        tokens.refresh_expiry = lifetime(self.refresh_expires_in);
        // A token that is no JWT names nobody.
        let claims = jwt::Claims::read(tokens.access_token.secret()).ok();
        tokens.subject = claims.and_then(|claims| claims.id("sub")).map(Into::into);
        Ok(tokens)
    }
}

/// Zero and negative values stand for "not known".
fn lifetime(seconds: Option<i64>) -> Option<Lifetime> {
    let seconds = u64::try_from(seconds?).ok().filter(|seconds| *seconds > 0)?;
    Some(Lifetime::For(Duration::from_secs(seconds)))
}
