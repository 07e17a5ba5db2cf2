//! The contract: which request an operation is, and what an API call carries.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Operation, Outcome,
    ProviderId, Realm, Rejection, TokenSet, Verdict,
};
use http::{StatusCode, header};
use serde::Serialize;

use crate::challenge::Pending;
use crate::config::Wikimedia;
use crate::{error, wire};

pub(crate) const ID: ProviderId = ProviderId::new("wikimedia");

/// Under this name the memo keeps the user name exactly as it was sent at login: a refresh computes a hash
/// from it, so that any other spelling is refused.
pub(crate) const USERNAME: &str = "username";

impl AuthProvider for Wikimedia {
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
        let outcome = if supported(operation) && !response.status().is_success() {
            Err(error::refusal(self, operation, response, ambient.now))
        } else {
            self.read(operation, response, ambient)
                .map_err(|error| error.with_status(response.status()))
        };
        outcome.map_err(|error| error.at(ID, operation.name()))
    }

    fn authorize(&self, tokens: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
        let value = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, value)], tokens.expires_at()))
    }

    fn rejects(&self, head: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

impl Wikimedia {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        match operation {
            Operation::SignIn => {
                let username = login_name(ambient)?;
                let password = credentials.expect_password()?.expose();
                self.call("/v1/login", &wire::Login { username: &username, password })
            }
            Operation::Answer { challenge, answers } => {
                let pending = Pending::from_continuation(&challenge.continuation)?;
                self.call("/v1/new-password-required", &pending.answer(challenge, answers)?)
            }
            Operation::Refresh => {
                let refresh_token = ambient.expect_refresh_token()?.expose();
                let kept = ambient.memo.text(USERNAME);
                let username = match &kept {
                    Some(kept) => kept.expose(),
                    None => &login_name(ambient)?,
                };
                self.call("/v1/token-refresh", &wire::TokenRefresh { username, refresh_token })
            }
            Operation::Revoke => {
                let refresh_token = ambient.expect_refresh_token()?.expose();
                self.call("/v1/token-revoke", &wire::TokenRevoke { refresh_token })
            }
            Operation::ForgotPassword => {
                let username = &*login_name(ambient)?;
                self.call("/v1/forgot-password", &wire::ForgotPassword { username })
            }
            Operation::ConfirmForgotPassword { code, new_password } => self.call(
                "/v1/forgot-password-confirm",
                &wire::ForgotPasswordConfirm {
                    username: &login_name(ambient)?,
                    password: new_password.expose(),
                    confirmation_code: code.expose(),
                },
            ),
            Operation::ChangePassword { new_password } => self.call(
                "/v1/change-password",
                &wire::ChangePassword {
                    access_token: ambient.expect_access_token()?.expose(),
                    previous_password: credentials.expect_password()?.expose(),
                    proposed_password: new_password.expose(),
                },
            ),
            Operation::WhoAmI => {
                let mut request = self.call("/v1/get-user", &wire::Nothing {})?;
                request.set(header::AUTHORIZATION, bearer(ambient.expect_access_token()?)?);
                Ok(request)
            }
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    /// The media type is compared by the server letter by letter: JSON under any other is 422.
    fn call(&self, path: &str, body: &impl Serialize) -> Result<HttpRequest, Error> {
        HttpRequest::post_json(&self.base.join(path), body)
    }
}

/// The user name as it is sent: documented to be lower case.
pub(crate) fn login_name(ambient: &Ambient<'_>) -> Result<String, Error> {
    Ok(ambient.credentials.identity()?.trim().to_lowercase())
}

/// Whether this adapter has `operation`.
fn supported(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::SignIn
            | Operation::Answer { .. }
            | Operation::Refresh
            | Operation::Revoke
            | Operation::ForgotPassword
            | Operation::ConfirmForgotPassword { .. }
            | Operation::ChangePassword { .. }
            | Operation::WhoAmI
    )
}
