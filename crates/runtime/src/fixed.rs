//! A provider that provides nothing, for sessions with a fixed token.

use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, secret_header};
use countersign_core::transport::{Delivery, Reason, TransportError};
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Generation,
    HttpTransport, Operation, Origin, Outcome, Profile, ProviderId, Realm, SecretString,
    StoredTokens, Timestamp, TokenSet, Verdict,
};
use http::header::AUTHORIZATION;

/// The end of a fixed token: far, and not so far that arithmetic on it loses anything.
const NEVER: Timestamp = Timestamp::from_seconds(32_503_680_000);

#[derive(Debug)]
pub(crate) struct Fixed {
    realm: Realm,
    capabilities: Capabilities,
}

pub(crate) fn provider_and_tokens(token: &str) -> Result<(Fixed, TokenSet), Error> {
    let access_token = AccessToken::new(SecretString::new(token))?;
    let mut capabilities = Capabilities::default();
    capabilities.credential_headers = vec![AUTHORIZATION];
    capabilities.fallback_lifetimes.access = Duration::from_secs(3600);
    let provider =
        Fixed { realm: Realm::new(Origin::parse("https://fixed.invalid")?), capabilities };
    let tokens = TokenSet::from_stored(StoredTokens {
        generation: Generation { counter: 1, tag: 0 },
        access_token,
        refresh_token: None,
        id_token: None,
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: NEVER,
        refresh_expires_at: None,
        refreshes: 0,
        subject: None,
        profile: Profile::new(),
    });
    Ok((provider, tokens))
}

impl AuthProvider for Fixed {
    fn id(&self) -> ProviderId {
        ProviderId::new("fixed")
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, _: &Ambient<'_>) -> Result<HttpRequest, Error> {
        Err(Error::new(ErrorKind::Unsupported).at(self.id(), operation.name()))
    }

    fn interpret(
        &self,
        operation: &Operation,
        _: &HttpResponse,
        _: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        Err(Error::new(ErrorKind::Unsupported).at(self.id(), operation.name()))
    }

    fn authorize(&self, tokens: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
        let bearer = format!("Bearer {}", tokens.access_token().secret().expose());
        let value = secret_header(&SecretString::new(bearer))?;
        Ok(Authorization::new([(AUTHORIZATION, value)], tokens.expires_at()))
    }

    fn rejects(&self, _: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        Verdict::Accepted
    }
}

/// Nothing is ever sent for a fixed token.
pub(crate) struct NoTransport;

#[async_trait]
impl HttpTransport for NoTransport {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, TransportError> {
        Err(TransportError::new(Delivery::NotSent, Reason::Forbidden))
    }
}
