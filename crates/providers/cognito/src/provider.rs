//! The contract: which request an operation is, and what an API call carries.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, Operation, Outcome,
    ProviderId, Realm, Rejection, SecretString, TokenSet, Verdict,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::answer::no_id_token;
use crate::challenge::{self, Pending, USERNAME};
use crate::config::{Attachment, Cognito, Flow, Presented, RefreshCall};
use crate::secret_hash::secret_hash;
use crate::{error, wire};

pub(crate) const ID: ProviderId = ProviderId::new("cognito");

impl AuthProvider for Cognito {
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
        let request = supported(operation).and_then(|()| self.build(operation, ambient));
        request.map_err(|error| error.at(ID, operation.name()))
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let outcome = supported(operation).and_then(|()| {
            match error::refusal(self, operation, response, ambient) {
                Some(refusal) => refusal,
                None => self
                    .read(operation, response, ambient)
                    .map_err(|error| error.with_status(response.status())),
            }
        });
        outcome.map_err(|error| error.at(ID, operation.name()))
    }

    fn authorize(&self, tokens: &TokenSet, _: &Ambient<'_>) -> Result<Authorization, Error> {
        let token = match self.presented {
            Presented::AccessToken => tokens.access_token().secret(),
            Presented::IdToken => tokens.id_token().ok_or_else(no_id_token)?.secret(),
        };
        let value = match self.attachment {
            Attachment::Raw => secret_header(token)?,
            Attachment::Bearer => bearer(token)?,
        };
        Ok(Authorization::new([(header::AUTHORIZATION, value)], tokens.expires_at()))
    }

    fn rejects(&self, head: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

impl Cognito {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        let client_id = &*self.client_id;
        let hash = |username: &str| secret_hash(credentials, username, client_id);
        let client_secret = credentials
            .client_secret()
            .map(SecretString::expose)
            .filter(|secret| !secret.is_empty());
        match operation {
            Operation::SignIn => {
                let username = credentials.identity()?;
                let Flow::UserPassword = self.flow;
                self.call(
                    "InitiateAuth",
                    &wire::InitiateAuth {
                        auth_flow: "USER_PASSWORD_AUTH",
                        client_id,
                        auth_parameters: wire::Parameters::default()
                            .with("USERNAME", username)
                            .with("PASSWORD", credentials.expect_password()?.expose())
                            .with_secret("SECRET_HASH", hash(username).as_ref()),
                    },
                )
            }
            Operation::Answer { challenge, answers } => {
                let pending = Pending::from_continuation(&challenge.continuation)?;
                let hash = hash(pending.username());
                let body = pending.answer(self, challenge, answers, hash.as_ref())?;
                self.call("RespondToAuthChallenge", &body)
            }
            Operation::Continue { continuation, .. } => {
                let pending = Pending::from_continuation(continuation)?;
                let code = challenge::current_code(self, ambient)?;
                let hash = hash(pending.username());
                let body = pending.answer_alone(self, &code, hash.as_ref());
                self.call("RespondToAuthChallenge", &body)
            }
            Operation::Refresh => {
                let refresh_token = ambient.expect_refresh_token()?.expose();
                match self.refresh_call {
                    RefreshCall::GetTokensFromRefreshToken => self.call(
                        "GetTokensFromRefreshToken",
                        &wire::GetTokensFromRefreshToken {
                            refresh_token,
                            client_id,
                            client_secret,
                        },
                    ),
                    RefreshCall::InitiateAuth => {
                        // Here no user name is sent, and the service hashes with its own.
                        let hash = match ambient.memo.text(USERNAME) {
                            Some(internal) => hash(internal.expose()),
                            None => credentials.identity().ok().and_then(hash),
                        };
                        self.call(
                            "InitiateAuth",
                            &wire::InitiateAuth {
                                auth_flow: "REFRESH_TOKEN_AUTH",
                                client_id,
                                auth_parameters: wire::Parameters::default()
                                    .with("REFRESH_TOKEN", refresh_token)
                                    .with_secret("SECRET_HASH", hash.as_ref()),
                            },
                        )
                    }
                }
            }
            Operation::Revoke => self.call(
                "RevokeToken",
                &wire::RevokeToken {
                    token: ambient.expect_refresh_token()?.expose(),
                    client_id,
                    client_secret,
                },
            ),
            Operation::SignOutEverywhere => self.call(
                "GlobalSignOut",
                &wire::WithAccessToken { access_token: ambient.expect_access_token()?.expose() },
            ),
            Operation::WhoAmI => self.call(
                "GetUser",
                &wire::WithAccessToken { access_token: ambient.expect_access_token()?.expose() },
            ),
            Operation::ChangePassword { new_password } => self.call(
                "ChangePassword",
                &wire::ChangePassword {
                    access_token: ambient.expect_access_token()?.expose(),
                    previous_password: credentials.expect_password()?.expose(),
                    proposed_password: new_password.expose(),
                },
            ),
            Operation::ForgotPassword => {
                let username = credentials.identity()?;
                let hash = hash(username);
                let secret_hash = hash.as_ref().map(SecretString::expose);
                let body = wire::ForgotPassword { client_id, username, secret_hash };
                self.call("ForgotPassword", &body)
            }
            Operation::ConfirmForgotPassword { code, new_password } => {
                let username = credentials.identity()?;
                let hash = hash(username);
                self.call(
                    "ConfirmForgotPassword",
                    &wire::ConfirmForgotPassword {
                        client_id,
                        username,
                        confirmation_code: code.expose(),
                        password: new_password.expose(),
                        secret_hash: hash.as_ref().map(SecretString::expose),
                    },
                )
            }
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    fn call(&self, name: &str, body: &impl Serialize) -> Result<HttpRequest, Error> {
        let target = format!("AWSCognitoIdentityProviderService.{name}");
        let target = HeaderValue::try_from(target).map_err(|_| Error::new(ErrorKind::Internal))?;
        let mut request = HttpRequest::post_json(&self.endpoint.join("/"), body)?;
        request.set(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        request.set(HeaderName::from_static("x-amz-target"), target);
        Ok(request)
    }
}

/// Whether this adapter has `operation`. It goes on alone only with a sign-in.
fn supported(operation: &Operation) -> Result<(), Error> {
    match operation {
        Operation::SignIn
        | Operation::Answer { .. }
        | Operation::Refresh
        | Operation::Revoke
        | Operation::SignOutEverywhere
        | Operation::WhoAmI
        | Operation::ChangePassword { .. }
        | Operation::ForgotPassword
        | Operation::ConfirmForgotPassword { .. } => Ok(()),
        Operation::Continue { of, .. } => match **of {
            Operation::SignIn | Operation::Answer { .. } => Ok(()),
            _ => Err(Error::new(ErrorKind::Unsupported)),
        },
        _ => Err(Error::new(ErrorKind::Unsupported)),
    }
}
