//! Requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Operation, Outcome,
    ProviderId, Realm, TokenSet,
};
use http::{Method, StatusCode};

use crate::config::{Acme, TOKEN};
use crate::{error, wire};

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
        let url = |path| self.base.join(path);
        match operation {
            Operation::SignIn => {
                let api_key = ambient.credentials.identity()?;
                let api_secret = ambient.credentials.expect_client_secret()?.expose();
                HttpRequest::post_json(&url("/v2/session"), &wire::SignIn { api_key, api_secret })
            }
            Operation::Refresh => with_token(Method::POST, &url("/v2/session/renew"), ambient),
            Operation::Revoke => with_token(Method::DELETE, &url("/v2/session"), ambient),
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match (operation, response.status()) {
            (Operation::SignIn | Operation::Refresh, StatusCode::OK) => {
                Ok(Outcome::tokens(response.json::<wire::Session>()?.into_tokens()?))
            }
            (Operation::Revoke, StatusCode::NO_CONTENT) => Ok(Outcome::done()),
            (Operation::SignIn | Operation::Refresh | Operation::Revoke, _) => {
                Err(error::refused(operation, response, ambient.now))
            }
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    fn authorize(&self, tokens: &TokenSet, _ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        let token = secret_header(tokens.access_token().secret())?;
        Ok(Authorization::new([(TOKEN, token)], tokens.expires_at()))
    }
}

/// The token that is held is what buys the next one, and what is revoked.
fn with_token(method: Method, url: &str, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
    let mut request = HttpRequest::new(method, url)?;
    request.set(TOKEN, secret_header(ambient.expect_refresh_token()?)?);
    Ok(request)
}
