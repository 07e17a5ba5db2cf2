//! A provider that this project knows nothing of, and a server for it that can do nothing on demand.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use countersign_conformance::{Account, Server, Settings, Setup, Target, Unavailable};
use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer};
use countersign_core::transport::TransportError;
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, Capabilities, CredentialKind,
    CredentialKinds, Credentials, Error, ErrorKind, HttpTransport, Lifetime, MemoPatch, Operation,
    Origin, Outcome, ProviderId, Realm, RefreshSupport, RefreshToken, Rejection, RevokeSupport,
    SecretBytes, TokenResponse, TokenSet, Verdict,
};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "canary-acme-password";
const HOST: &str = "https://acme.example";

/// The adapter.
#[derive(Debug)]
struct Acme {
    realm: Realm,
    capabilities: Capabilities,
}

impl Acme {
    fn new() -> Self {
        let mut realm = Realm::new(Origin::parse(HOST).expect("an origin"));
        realm.api_origins = vec![realm.auth_origin.clone()];
        let mut capabilities = Capabilities::default();
        capabilities.credentials = CredentialKinds::new([CredentialKind::Password], []);
        capabilities.refresh = RefreshSupport::Reusable;
        capabilities.revoke = RevokeSupport::RefreshToken;
        capabilities.credential_headers = vec![AUTHORIZATION];
        Self { realm, capabilities }
    }
}

impl AuthProvider for Acme {
    fn id(&self) -> ProviderId {
        ProviderId::new("acme")
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let refresh = || ambient.expect_refresh_token().map(|token| token.expose());
        let (path, body) = match operation {
            Operation::SignIn => {
                let password = ambient.credentials.expect_password()?;
                ("sign_in", json!({ "password": password.expose() }))
            }
            Operation::Refresh => ("refresh", json!({ "refresh": refresh()? })),
            Operation::Revoke => ("revoke", json!({ "refresh": refresh()? })),
            _ => return Err(Error::new(ErrorKind::Unsupported).at(self.id(), operation.name())),
        };
        HttpRequest::post_json(&format!("{HOST}/{path}"), &body)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        _: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if !response.status().is_success() {
            let told = response.json::<Value>().is_ok();
            let kind = match response.status().as_u16() {
                429 => ErrorKind::RateLimited,
                500.. => ErrorKind::TemporarilyUnavailable,
                400..=403 if told => ErrorKind::InvalidGrant,
                _ => ErrorKind::Protocol,
            };
            let error = Error::new(kind).at(self.id(), operation.name());
            return Err(error.with_status(response.status()));
        }
        let body: Value = response.json()?;
        let Some(access) = body["access"].as_str() else {
            return match operation {
                Operation::Revoke => Ok(Outcome::Done(Default::default(), MemoPatch::none())),
                _ => Err(Error::new(ErrorKind::Protocol).at(self.id(), operation.name())),
            };
        };
        let mut tokens = TokenResponse::new(AccessToken::new(access.to_owned())?);
        let life = body["expires_in"].as_u64().map(Duration::from_secs);
        tokens.access_expiry = life.map(Lifetime::For);
        let refresh = body["refresh"].as_str().map(|token| RefreshToken::new(token.to_owned()));
        tokens.refresh_token = refresh.transpose()?;
        Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()))
    }

    fn authorize(&self, tokens: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
        let value = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(AUTHORIZATION, value)], tokens.expires_at()))
    }

    fn rejects(&self, head: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

/// The server: tokens that live for an hour, by the word of the answer alone.
#[derive(Clone, Default)]
pub(crate) struct Host(Arc<Mutex<BTreeSet<String>>>);

#[async_trait]
impl HttpTransport for Host {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let body: Value = serde_json::from_slice(request.body().expose_bytes()).unwrap_or_default();
        let mut known = self.0.lock().expect("no panic");
        let issue = |known: &mut BTreeSet<String>| {
            let access = format!("canary-access-{}", known.len());
            known.insert(format!("Bearer {access}"));
            json!({ "access": access, "refresh": "canary-refresh", "expires_in": 3600 })
        };
        let presented = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (status, answer) = match request.uri().path() {
            "/sign_in" if body["password"] == PASSWORD => (200, issue(&mut known)),
            "/refresh" if body["refresh"] == "canary-refresh" => (200, issue(&mut known)),
            "/revoke" => (200, json!({})),
            "/api" if presented.is_some_and(|value| known.contains(value)) => (200, json!({})),
            "/api" => (401, json!({})),
            _ => (400, json!({})),
        };
        let body = SecretBytes::new(answer.to_string().into_bytes());
        let status = StatusCode::from_u16(status).expect("a status");
        Ok(HttpResponse::new(status, HeaderMap::new(), body))
    }
}

impl Server for Host {
    fn adapter(&self) -> Arc<dyn AuthProvider> {
        Arc::new(Acme::new())
    }

    fn transport(&self) -> Arc<dyn HttpTransport> {
        Arc::new(self.clone())
    }

    fn account(&self) -> Account {
        let credentials = Credentials::password("kim", PASSWORD.to_owned());
        Account { identity: "kim".to_owned(), credentials }
    }

    fn resource(&self) -> Option<String> {
        Some(format!("{HOST}/api"))
    }
}

/// Both.
pub(crate) struct AcmeTarget;

#[async_trait]
impl Target for AcmeTarget {
    fn name(&self) -> &str {
        "acme"
    }

    async fn open(&self, setup: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        if setup.settings != Settings::USUAL {
            return Err(Unavailable::NotHere("acme's server has no settings".to_owned()));
        }
        Ok(Box::new(Host::default()))
    }
}

/// A target that is there for so many cases, and then is not.
pub(crate) struct Failing(AtomicUsize);

impl Failing {
    pub(crate) fn after(n: usize) -> Self {
        Self(AtomicUsize::new(n))
    }
}

#[async_trait]
impl Target for Failing {
    fn name(&self) -> &str {
        "acme"
    }

    async fn open(&self, _: &Setup) -> Result<Box<dyn Server>, Unavailable> {
        let less = |left: usize| left.checked_sub(1);
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Ok(Box::new(Host::default())),
            Err(_) => Err(Unavailable::Down("start acme's server".to_owned())),
        }
    }
}
