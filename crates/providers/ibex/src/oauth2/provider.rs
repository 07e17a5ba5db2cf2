//! Client credentials: one request, one answer.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, MemoPatch, Operation,
    Outcome, ProviderId, Realm, Rejection, TokenSet, Verdict,
};
use http::{StatusCode, header};

use super::config::IbexOauth2;
use super::{error, wire};

const ID: ProviderId = ProviderId::new("ibex_oauth2");

impl AuthProvider for IbexOauth2 {
    fn id(&self) -> ProviderId {
        ID
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        self.build(operation, ambient).map_err(|error| error.at(ID, operation.name()))
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        read(operation, response, ambient).map_err(|error| error.at(ID, operation.name()))
    }

    fn authorize(&self, tokens: &TokenSet, _ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        let token = secret_header(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, token)], tokens.expires_at()))
    }

    fn rejects(&self, head: &ResponseHead<'_>, _body: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

impl IbexOauth2 {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let Operation::SignIn = operation else {
            return Err(unsupported());
        };
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.realm.client),
            ("client_secret", ambient.credentials.expect_client_secret()?.expose()),
            ("audience", &self.realm.audience),
        ];
        HttpRequest::post_form(&self.issuer.join("/oauth/token"), &fields)
    }
}

fn read(
    operation: &Operation,
    response: &HttpResponse,
    ambient: &Ambient<'_>,
) -> Result<Outcome, Error> {
    let Operation::SignIn = operation else {
        return Err(unsupported());
    };
    let failed = || response.json::<wire::Refused>().is_ok_and(|answer| answer.error.is_some());
    if !response.status().is_success() || failed() {
        return Err(error::refused(response, ambient.now));
    }
    let tokens = response.json::<wire::Granted>()?.into_tokens();
    let tokens = tokens.map_err(|error| error.with_status(response.status()))?;
    Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()))
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported).hint("client credentials buy access tokens and nothing else")
}
