//! The password flow: requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Continuation, Error, ErrorKind, MemoPatch,
    Operation, Outcome, Profile, ProviderId, Realm, RefreshToken, Rejection, SecretBytes,
    SecretString, TokenResponse, TokenSet, Verdict,
};
use http::{StatusCode, header};

use crate::config::{ChangePasswordHeader, Ibex};
use crate::{error, wire};

const ID: ProviderId = ProviderId::new("ibex");

/// What a refused raw token leaves for the second attempt at change-password.
const WITH_BEARER: &[u8] = b"bearer";

impl AuthProvider for Ibex {
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
        self.read(operation, response, ambient).map_err(|error| error.at(ID, operation.name()))
    }

    fn authorize(&self, tokens: &TokenSet, _ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        let token = secret_header(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, token)], tokens.expires_at()))
    }

    /// 401 alone. 403 is a missing right, and an LNURL endpoint answers 201 with `"status": "ERROR"`
    /// for reasons of its own.
    fn rejects(&self, head: &ResponseHead<'_>, _body: Option<&[u8]>) -> Verdict {
        match head.status {
            StatusCode::UNAUTHORIZED => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

impl Ibex {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        match operation {
            Operation::SignIn => self.post(
                "/auth/signin",
                &wire::SignIn {
                    email: credentials.identity()?,
                    password: credentials.expect_password()?.expose(),
                },
            ),
            Operation::Register { attributes } => {
                let temporary = attributes.get("temporary_password").ok_or_else(|| {
                    Error::new(ErrorKind::InvalidRequest).hint(
                        "the attribute `temporary_password` is missing; IBEX mails it with the invitation",
                    )
                })?;
                let new_password = credentials.expect_password()?;
                self.check_new_password(new_password)?;
                self.post(
                    "/auth/signup",
                    &wire::SignUp {
                        email: credentials.identity()?,
                        temporary_password: temporary.expose(),
                        new_password: new_password.expose(),
                    },
                )
            }
            Operation::Refresh => {
                let refresh_token = refresh_token(ambient)?.secret().expose();
                self.post("/auth/refresh-access-token", &wire::Refresh { refresh_token })
            }
            Operation::Revoke => {
                let refresh_token = refresh_token(ambient)?.secret().expose();
                self.post("/auth/revoke-refresh-token", &wire::Refresh { refresh_token })
            }
            Operation::ChangePassword { new_password } => {
                let with_scheme = self.change_password_header == ChangePasswordHeader::Bearer;
                self.change_password(new_password, with_scheme, ambient)
            }
            Operation::Continue { of, continuation } => match &**of {
                Operation::ChangePassword { new_password } if asks_for_bearer(continuation) => {
                    self.change_password(new_password, true, ambient)
                }
                _ => Err(unsupported()),
            },
            Operation::ForgotPassword => self.post(
                "/auth/forgot-password",
                &wire::ForgotPassword { email: credentials.identity()? },
            ),
            Operation::ConfirmForgotPassword { code, new_password } => {
                self.check_new_password(new_password)?;
                self.post(
                    "/auth/confirm-forgot-password",
                    &wire::ConfirmForgotPassword {
                        email: credentials.identity()?,
                        temporary_password: code.expose(),
                        new_password: new_password.expose(),
                    },
                )
            }
            _ => Err(unsupported()),
        }
    }

    fn change_password(
        &self,
        new_password: &SecretString,
        with_scheme: bool,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        self.check_new_password(new_password)?;
        let token = ambient.tokens.ok_or_else(not_signed_in)?.access_token().secret();
        let body = wire::ChangePassword {
            previous_password: ambient.credentials.expect_password()?.expose(),
            proposed_password: new_password.expose(),
        };
        let mut request = self.post("/auth/change-password", &body)?;
        let value = if with_scheme { bearer(token)? } else { secret_header(token)? };
        request.set(header::AUTHORIZATION, value);
        Ok(request)
    }

    fn post(&self, path: &str, body: &impl serde::Serialize) -> Result<HttpRequest, Error> {
        HttpRequest::post_json(&self.base.join(path), body)
    }

    fn check_new_password(&self, password: &SecretString) -> Result<(), Error> {
        let policy = self.capabilities.password_policy.unwrap_or_default();
        let broken = policy.broken_by(password.expose());
        if broken.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PasswordRefused).hint(format!(
            "IBEX takes a password of at least {} characters with an upper-case letter, a lower-case letter, a digit and a symbol; this one lacks: {}; nothing was sent",
            policy.min_length,
            broken.join(", ")
        )))
    }

    fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if !offers(operation) {
            return Err(unsupported());
        }
        if self.tries_bearer_next(operation, response) {
            let next = Continuation::new(SecretBytes::copy_from(WITH_BEARER));
            return Ok(Outcome::Continue(next, MemoPatch::none()));
        }
        if !response.status().is_success() || wire::reports_failure(response) {
            return Err(error::refused(operation, response, ambient.now));
        }
        let now = ambient.now;
        match operation {
            Operation::SignIn | Operation::Register { .. } => {
                tokens(response.json::<wire::SignedIn>()?.into_tokens(now), response)
            }
            Operation::Refresh => {
                tokens(response.json::<wire::Refreshed>()?.into_tokens(now), response)
            }
            _ => done(response),
        }
    }

    fn tries_bearer_next(&self, operation: &Operation, response: &HttpResponse) -> bool {
        matches!(operation, Operation::ChangePassword { .. })
            && self.change_password_header == ChangePasswordHeader::RawThenBearer
            && response.status() == StatusCode::UNAUTHORIZED
    }
}

fn tokens(tokens: Result<TokenResponse, Error>, response: &HttpResponse) -> Result<Outcome, Error> {
    match tokens {
        Ok(tokens) => Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none())),
        Err(error) => Err(error.with_status(response.status())),
    }
}

/// Documented as 204 without a body; an object that reports no failure is taken too.
fn done(response: &HttpResponse) -> Result<Outcome, Error> {
    if !response.is_blank() {
        response.json::<serde_json::Map<String, serde_json::Value>>()?;
    }
    Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
}

fn offers(operation: &Operation) -> bool {
    match operation {
        Operation::SignIn
        | Operation::Register { .. }
        | Operation::Refresh
        | Operation::Revoke
        | Operation::ChangePassword { .. }
        | Operation::ForgotPassword
        | Operation::ConfirmForgotPassword { .. } => true,
        Operation::Continue { of, continuation } => {
            matches!(**of, Operation::ChangePassword { .. }) && asks_for_bearer(continuation)
        }
        _ => false,
    }
}

fn asks_for_bearer(continuation: &Continuation) -> bool {
    continuation.bytes().expose_bytes() == WITH_BEARER
}

fn refresh_token<'a>(ambient: &Ambient<'a>) -> Result<&'a RefreshToken, Error> {
    ambient.tokens.and_then(TokenSet::refresh_token).ok_or_else(not_signed_in)
}

fn not_signed_in() -> Error {
    Error::new(ErrorKind::NeedsSignIn)
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported).hint("IBEX has no such operation")
}
