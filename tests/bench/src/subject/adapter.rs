//! An adapter for the token endpoint of RFC 6749 and nothing else: what the engine and the client cost
//! is not to be hidden behind what one provider's format costs.

use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse, bearer};
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, Capabilities, CredentialKind,
    CredentialKinds, Error, ErrorKind, Lifetime, MemoPatch, Operation, Origin, Outcome, ProviderId,
    Realm, RefreshSupport, RefreshToken, SecretString, TokenResponse, TokenSet,
};
use http::header::AUTHORIZATION;
use serde::Deserialize;

/// The sizes of the tokens, as the targets name them.
pub(crate) const ACCESS_BYTES: usize = 1_024;
pub(crate) const REFRESH_BYTES: usize = 256;

/// Password and refresh token grants (RFC 6749 §4.3, §6), answers in JSON (§5.1, §5.2).
#[derive(Debug)]
pub(crate) struct Rfc6749 {
    realm: Realm,
    capabilities: Capabilities,
    endpoint: String,
}

/// RFC 6749 §5.1.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
    refresh_token: Option<SecretString>,
}

impl Rfc6749 {
    /// A server at `base`, whose tokens may be presented there too.
    pub(crate) fn at(base: &str) -> Result<Self, Error> {
        let origin = Origin::parse(base)?;
        let mut realm = Realm::new(origin.clone());
        realm.api_origins = vec![origin];
        realm.client = "bench".into();
        let mut capabilities = Capabilities::default();
        capabilities.credentials = CredentialKinds::new([CredentialKind::Password], []);
        capabilities.refresh = RefreshSupport::Reusable;
        capabilities.credential_headers = vec![AUTHORIZATION];
        Ok(Self { realm, capabilities, endpoint: format!("{base}/token") })
    }

    /// The same where a refresh spends its token: it is marked in the store before it is sent.
    pub(crate) const fn spending(mut self) -> Self {
        self.capabilities.refresh = RefreshSupport::Rotating { grace: Duration::ZERO };
        self
    }
}

impl AuthProvider for Rfc6749 {
    fn id(&self) -> ProviderId {
        ProviderId::new("rfc6749")
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        match operation {
            Operation::SignIn => {
                let (name, password) =
                    (ambient.credentials.identity()?, ambient.credentials.expect_password()?);
                let fields = [
                    ("grant_type", "password"),
                    ("username", name),
                    ("password", password.expose()),
                ];
                HttpRequest::post_form(&self.endpoint, &fields)
            }
            Operation::Refresh => {
                let token = ambient.tokens.and_then(TokenSet::refresh_token);
                let token = token.ok_or_else(|| Error::new(ErrorKind::NeedsSignIn))?;
                let fields =
                    [("grant_type", "refresh_token"), ("refresh_token", token.secret().expose())];
                HttpRequest::post_form(&self.endpoint, &fields)
            }
            _ => Err(Error::new(ErrorKind::Unsupported).at(self.id(), operation.name())),
        }
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        _: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if !response.status().is_success() {
            let kind = match response.status().as_u16() {
                500..=599 => ErrorKind::TemporarilyUnavailable,
                _ => ErrorKind::InvalidGrant,
            };
            return Err(Error::new(kind)
                .at(self.id(), operation.name())
                .with_status(response.status()));
        }
        let granted: Granted = response.json()?;
        let mut tokens = TokenResponse::new(AccessToken::new(granted.access_token)?);
        tokens.access_expiry =
            granted.expires_in.map(|seconds| Lifetime::For(Duration::from_secs(seconds)));
        tokens.refresh_token = granted.refresh_token.map(RefreshToken::new).transpose()?;
        Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()))
    }

    fn authorize(&self, tokens: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
        let value = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(AUTHORIZATION, value)], tokens.expires_at()))
    }
}

/// The answer of RFC 6749 §5.1 number `n`: another access token each time. The refresh token is that of
/// the sign-in number `family`.
pub(crate) fn token_answer(n: u64, family: u64, life: Duration) -> String {
    let (access, refresh) = (token(n, ACCESS_BYTES), token(!family, REFRESH_BYTES));
    format!(
        r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{},"refresh_token":"{refresh}"}}"#,
        life.as_secs()
    )
}

/// Token number `n` of so many bytes: letters of base64url without any order, and the two points of a
/// compact JWS (RFC 7515 §7.1), so that nobody stores it in less than its content takes.
pub(crate) fn token(n: u64, bytes: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // SplitMix64 (Steele, Lea and Flood 2014): ten letters from each word of it.
    let mut state = n;
    let mut word = 0_u64;
    (0..bytes)
        .map(|at| {
            if at % 10 == 0 {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                word ^= word >> 31;
            }
            let letter = ALPHABET[(word & 63) as usize];
            word >>= 6;
            if at == bytes / 10 || at == bytes * 3 / 4 { '.' } else { char::from(letter) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::token;

    #[test]
    fn tokens_have_their_size_differ_and_repeat_nothing() {
        let one = token(1, 1_024);
        assert_eq!((one.len(), one.matches('.').count()), (1_024, 2));
        assert_ne!(one, token(2, 1_024));
        let pieces: BTreeSet<&str> = (0..1_016).map(|at| &one[at..at + 8]).collect();
        assert_eq!(pieces.len(), 1_016);
    }
}
