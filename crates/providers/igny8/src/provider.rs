//! Requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer};
use countersign_core::{
    Ambient, Answers, AuthProvider, Authorization, Capabilities, Error, ErrorKind, MemoPatch,
    Operation, Outcome, Profile, ProviderId, Realm, Rejection, SecretString, TokenSet, Verdict,
};
use http::{StatusCode, header};

use crate::config::Igny8;
use crate::envelope::Envelope;
use crate::error;
use crate::wire::{self, Data, Fields};

const ID: ProviderId = ProviderId::new("igny8");

impl AuthProvider for Igny8 {
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
        let token = bearer(tokens.access_token().secret())?;
        Ok(Authorization::new([(header::AUTHORIZATION, token)], tokens.expires_at()))
    }

    /// 401, and a 403 that says that nobody is signed in: a bad JWT does not raise, it falls through to
    /// the next authentication class. Every other 403 is a missing right.
    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        match (head.status, body) {
            (StatusCode::UNAUTHORIZED, _) => Verdict::Rejected(Rejection::InvalidToken),
            (StatusCode::FORBIDDEN, None) => Verdict::NeedsBody,
            (StatusCode::FORBIDDEN, Some(body))
                if Envelope::of_failure(body).says_not_signed_in() =>
            {
                Verdict::Rejected(Rejection::InvalidToken)
            }
            _ => Verdict::Accepted,
        }
    }
}

impl Igny8 {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        match operation {
            Operation::SignIn => {
                let email = credentials.identity()?;
                let password = credentials.expect_password()?.expose();
                self.post(&self.paths.login, &[("email", email), ("password", password)])
            }
            Operation::Register { attributes } => self.post(
                &self.paths.register,
                &[
                    ("email", credentials.identity()?),
                    ("username", attribute(attributes, "username")?),
                    ("password", credentials.expect_password()?.expose()),
                    ("first_name", attribute(attributes, "first_name")?),
                    ("last_name", attribute(attributes, "last_name")?),
                ],
            ),
            // No Authorization: an expired access token would change the answer.
            Operation::Refresh => {
                let refresh = held(ambient)?.refresh_token().ok_or_else(not_signed_in)?;
                self.post(&self.paths.refresh, &[(&*self.refresh_field, refresh.secret().expose())])
            }
            Operation::ChangePassword { new_password } => {
                let body = [
                    (&*self.old_password, credentials.expect_password()?.expose()),
                    (&*self.new_password, new_password.expose()),
                ];
                self.post_signed_in(&self.paths.change_password, &body, ambient)
            }
            Operation::Revoke => {
                let path = self.paths.logout.as_deref().ok_or_else(unsupported)?;
                let refresh = held(ambient)?.refresh_token().map(|token| token.secret().expose());
                let body: Vec<_> =
                    refresh.map(|token| (&*self.refresh_field, token)).into_iter().collect();
                self.post_signed_in(path, &body, ambient)
            }
            _ => Err(unsupported()),
        }
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<HttpRequest, Error> {
        HttpRequest::post_json(&self.base.join(path), &Fields(fields))
    }

    fn post_signed_in(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let mut request = self.post(path, fields)?;
        request.set(header::AUTHORIZATION, bearer(held(ambient)?.access_token().secret())?);
        Ok(request)
    }

    fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if !self.offers(operation) {
            return Err(unsupported());
        }
        let refused = || error::refused(self, operation, response, ambient.now);
        if !response.status().is_success() {
            return Err(refused());
        }
        let done = |profile| Ok(Outcome::Done(profile, MemoPatch::none()));
        let buys_tokens = matches!(operation, Operation::SignIn | Operation::Refresh);
        if response.status() == StatusCode::NO_CONTENT && !buys_tokens {
            return done(Profile::new());
        }
        let success = response.json::<Envelope>()?.success;
        if success == Some(false) {
            return Err(refused());
        }
        if buys_tokens {
            let tokens = Data::read(response).and_then(|data| data.into_tokens(ambient.now));
            let tokens = tokens.map_err(|error| error.with_status(response.status()))?;
            return Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()));
        }
        if success.is_none() {
            return Err(Error::new(ErrorKind::Protocol)
                .with_status(response.status())
                .hint("the answer has no envelope that says success"));
        }
        match operation {
            Operation::Register { .. } => done(wire::registered(response)?),
            _ => done(Profile::new()),
        }
    }

    fn offers(&self, operation: &Operation) -> bool {
        match operation {
            Operation::SignIn
            | Operation::Register { .. }
            | Operation::Refresh
            | Operation::ChangePassword { .. } => true,
            Operation::Revoke => self.paths.logout.is_some(),
            _ => false,
        }
    }
}

fn attribute<'a>(attributes: &'a Answers, name: &str) -> Result<&'a str, Error> {
    attributes.get(name).map(SecretString::expose).ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest)
            .hint(format!("the attribute `{name}` is missing; IGNY8 registers nobody without it"))
    })
}

fn held<'a>(ambient: &Ambient<'a>) -> Result<&'a TokenSet, Error> {
    ambient.tokens.ok_or_else(not_signed_in)
}

fn not_signed_in() -> Error {
    Error::new(ErrorKind::NeedsSignIn)
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported)
        .hint("the IGNY8 API has no such call, or its path is not documented and not set")
}
