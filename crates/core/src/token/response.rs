//! The successful answer of a token endpoint (RFC 6749 §5.1), as an adapter read it.

use super::{AccessToken, IdToken, Profile, RefreshToken};
use crate::time::Lifetime;

/// Every candidate that the wire gave. The engine alone decides what holds and makes a
/// [`super::TokenSet`] of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: AccessToken,
    /// How the answer says when it ends. A zero or past instant means unknown: leave it out.
    pub access_expiry: Option<Lifetime>,
    /// The refresh token, if one came. None means: keep yours, and its expiry.
    pub refresh_token: Option<RefreshToken>,
    /// When the refresh token ends, if the answer says so.
    pub refresh_expiry: Option<Lifetime>,
    /// An ID token, if one came.
    pub id_token: Option<IdToken>,
    /// Who the tokens are for, if the answer or a claim says so. An answer for another subject than
    /// the session's is refused.
    pub subject: Option<Box<str>>,
    /// What the answer tells about the account.
    pub profile: Profile,
}

impl TokenResponse {
    /// An answer that holds an access token and nothing else.
    pub fn new(access_token: AccessToken) -> Self {
        Self {
            access_token,
            access_expiry: None,
            refresh_token: None,
            refresh_expiry: None,
            id_token: None,
            subject: None,
            profile: Profile::new(),
        }
    }
}
