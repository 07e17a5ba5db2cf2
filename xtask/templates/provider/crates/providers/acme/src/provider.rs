//! Requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, bearer};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Operation, Outcome,
    ProviderId, Realm, TokenSet,
};
use http::header;

use crate::config::Acme;
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

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::SignIn | Operation::Refresh if response.status().is_success() => {
                let tokens = response.json::<wire::Session>()?.into_tokens();
                tokens.map(Outcome::tokens).map_err(|error| error.with_status(response.status()))
            }
            Operation::SignIn | Operation::Refresh => {
                Err(error::refused(operation, response, ambient.now))
            }
            // An answer to what was never asked is no answer.
            _ => Err(unsupported()),
        }
    }

    fn authorize(&self, tokens: &TokenSet, _ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        let token = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, token)], tokens.expires_at()))
    }
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported).hint("Acme has no such operation")
}
