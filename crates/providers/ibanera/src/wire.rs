//! The bodies of login and refresh, by their literal names (vendor's "Authentication and
//! authorization").

use std::time::Duration;

use countersign_core::{
    AccessToken, Error, ErrorKind, Lifetime, RefreshToken, SecretString, TokenResponse,
};
use serde::{Deserialize, Serialize};

/// The vendor's prose spells these with capitals, its sample and schema do not.
#[derive(Serialize)]
pub(crate) struct Login<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    /// Text: leading zeros count.
    pub(crate) otp: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refresh<'a> {
    pub(crate) refresh_token: &'a str,
}

/// `details` of a login. Both refresh fields are in one of the vendor's lists and missing from the
/// other.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    access_token: SecretString,
    expires_in: Option<Seconds>,
    refresh_token: Option<SecretString>,
    refresh_token_expires_in: Option<Seconds>,
}

/// A number, or a number written as text: clients convert it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(i64),
    Text(String),
}

impl Details {
    pub(crate) fn into_tokens(self) -> Result<TokenResponse, Error> {
        let mut tokens = TokenResponse::new(AccessToken::new(self.access_token)?);
        tokens.access_expiry = lifetime(self.expires_in)?;
        // Nothing depends on the refresh token, so an empty one does not spoil the sign-in.
        let refresh_token = self.refresh_token.filter(|token| !token.is_empty());
        tokens.refresh_token = refresh_token.map(RefreshToken::new).transpose()?;
        if tokens.refresh_token.is_some() {
            tokens.refresh_expiry = lifetime(self.refresh_token_expires_in)?;
        }
        Ok(tokens)
    }
}

/// Zero and negative values stand for "not known".
fn lifetime(seconds: Option<Seconds>) -> Result<Option<Lifetime>, Error> {
    let seconds = match seconds {
        None => return Ok(None),
        Some(Seconds::Number(seconds)) => seconds,
        Some(Seconds::Text(text)) => text.trim().parse().map_err(|_| {
            Error::new(ErrorKind::Protocol).hint("a lifetime in the answer is no whole number")
        })?,
    };
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
    Ok(seconds.map(|seconds| Lifetime::For(Duration::from_secs(seconds))))
}
