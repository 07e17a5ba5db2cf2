//! Requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, MemoPatch, Operation,
    Outcome, ProviderId, Realm, Rejection, TokenSet, Verdict,
};
use http::{StatusCode, header};

use crate::config::Acme;
use crate::{error, wire};

const ID: ProviderId = ProviderId::new("acme");

impl AuthProvider for Acme {
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
        let token = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, token)], tokens.expires_at()))
    }

    /// 401 alone; 403 is a missing right, and another token would not help.
    fn rejects(&self, head: &ResponseHead<'_>, _body: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

impl Acme {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        match operation {
            Operation::SignIn => {
                let sign_in = wire::SignIn {
                    username: ambient.credentials.identity()?,
                    password: ambient.credentials.expect_password()?.expose(),
                };
                HttpRequest::post_json(&self.base.join("/session"), &sign_in)
            }
            Operation::Refresh => {
                let refresh =
                    wire::Refresh { refresh_token: ambient.expect_refresh_token()?.expose() };
                HttpRequest::post_json(&self.base.join("/session/refresh"), &refresh)
            }
            _ => Err(unsupported()),
        }
    }
}

/// The operations are named once more: an answer to what was never asked is no answer.
fn read(
    operation: &Operation,
    response: &HttpResponse,
    ambient: &Ambient<'_>,
) -> Result<Outcome, Error> {
    match operation {
        Operation::SignIn | Operation::Refresh => {}
        _ => return Err(unsupported()),
    }
    if !response.status().is_success() {
        return Err(error::refused(operation, response, ambient.now));
    }
    let tokens = response.json::<wire::Session>()?.into_tokens();
    let tokens = tokens.map_err(|error| error.with_status(response.status()))?;
    Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()))
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported).hint("Acme has no such operation")
}
