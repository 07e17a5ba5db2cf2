//! Reading what the service grants: tokens, a challenge, or that something is done.

use countersign_core::http::HttpResponse;
use countersign_core::jwt::Claims;
use countersign_core::{
    AccessToken, Ambient, Error, ErrorKind, IdToken, Lifetime, MemoPatch, Operation, Outcome,
    Profile, RefreshToken, SecretString, TokenResponse,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::challenge::{self, Pending};
use crate::config::{Cognito, Presented};
use crate::wire;

impl Cognito {
    /// Reads an answer that refuses nothing.
    pub(crate) fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::SignIn => {
                self.tokens_or_challenge(response, ambient.credentials.identity()?, ambient)
            }
            Operation::Answer { challenge, .. } => {
                let pending = Pending::from_continuation(&challenge.continuation)?;
                self.tokens_or_challenge(response, pending.username(), ambient)
            }
            Operation::Continue { continuation, .. } => {
                let pending = Pending::from_continuation(continuation)?;
                self.tokens_or_challenge(response, pending.username(), ambient)
            }
            Operation::Refresh => {
                let answer: wire::AuthAnswer = response.json()?;
                match answer.authentication_result {
                    Some(result) => self.tokens(result, ambient),
                    None => Err(incomplete()),
                }
            }
            Operation::ForgotPassword => {
                let answer: wire::ForgotPasswordAnswer = body_or_default(response)?;
                let mut profile = Profile::new();
                if let Some(details) = answer.code_delivery_details {
                    for (name, value) in [
                        ("destination", details.destination),
                        ("medium", details.delivery_medium),
                        ("attribute", details.attribute_name),
                    ] {
                        if let Some(value) = value {
                            profile.set(name, &value);
                        }
                    }
                }
                Ok(Outcome::Done(profile, MemoPatch::none()))
            }
            Operation::WhoAmI => {
                let answer: wire::GetUserAnswer = response.json()?;
                Ok(whoami(answer, ambient))
            }
            _ => {
                let _: Map<String, Value> = body_or_default(response)?;
                Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
            }
        }
    }

    fn tokens_or_challenge(
        &self,
        response: &HttpResponse,
        username: &str,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut answer: wire::AuthAnswer = response.json()?;
        if let Some(result) = answer.authentication_result.take() {
            return self.tokens(result, ambient);
        }
        match answer.challenge_name.take().filter(|name| !name.is_empty()) {
            Some(name) => challenge::read(self, &name, answer, username, ambient),
            None => Err(incomplete()),
        }
    }

    fn tokens(
        &self,
        result: wire::AuthenticationResult,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut expiry = result.lifetime();
        let present = |token: &SecretString| !token.is_empty();
        let access = AccessToken::new(result.access_token.ok_or_else(incomplete)?)?;
        let refresh = result.refresh_token.filter(present).map(RefreshToken::new).transpose()?;
        let id = result.id_token.filter(present).map(IdToken::new).transpose()?;
        if self.presented == Presented::IdToken {
            let id = id.as_ref().ok_or_else(no_id_token)?;
            expiry = shorter(expiry, id_lifetime(id));
        }
        let claims = Claims::read(access.secret()).ok();
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.text(name));
        let patch =
            claim("username").map(|name| challenge::remember(name, ambient)).unwrap_or_default();
        let subject = claim("sub").map(Into::into);

        let mut tokens = TokenResponse::new(access);
        tokens.access_expiry = expiry;
        tokens.refresh_token = refresh;
        tokens.id_token = id;
        tokens.subject = subject;
        Ok(Outcome::Tokens(Box::new(tokens), patch))
    }
}

/// The life of an ID token, which an app client sets apart from that of the access token; `ExpiresIn`
/// speaks of the latter. Its own two instants are of one clock, so their distance needs no correction.
fn id_lifetime(id: &IdToken) -> Option<Lifetime> {
    let claims = Claims::read(id.secret()).ok()?;
    let life = claims.expires_at()?.since(claims.issued_at()?);
    (!life.is_zero()).then_some(Lifetime::For(life))
}

fn shorter(a: Option<Lifetime>, b: Option<Lifetime>) -> Option<Lifetime> {
    match (a, b) {
        (Some(Lifetime::For(a)), Some(Lifetime::For(b))) => Some(Lifetime::For(a.min(b))),
        (a, b) => b.or(a),
    }
}

fn whoami(answer: wire::GetUserAnswer, ambient: &Ambient<'_>) -> Outcome {
    let mut profile = Profile::new();
    let mut patch = MemoPatch::none();
    if let Some(username) = answer.username.filter(|name| !name.is_empty()) {
        profile.set("username", &username);
        patch = challenge::remember(&username, ambient);
    }
    if let Some(mfa) = answer.preferred_mfa_setting {
        profile.set("preferred_mfa", &mfa);
    }
    for attribute in answer.user_attributes {
        profile.set(&attribute.name, attribute.value.as_deref().unwrap_or_default());
    }
    Outcome::Done(profile, patch)
}

/// An empty body with a success status is documented for some operations and means `{}`.
fn body_or_default<T: DeserializeOwned>(response: &HttpResponse) -> Result<T, Error> {
    if response.is_blank() {
        let empty = Value::Object(Map::new());
        return serde_json::from_value(empty).map_err(|_| incomplete());
    }
    response.json()
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Protocol).hint("the answer holds neither tokens nor a challenge")
}

pub(crate) fn no_id_token() -> Error {
    Error::new(ErrorKind::Protocol)
        .hint("the pool gave no ID token, which this session is set to present")
}
