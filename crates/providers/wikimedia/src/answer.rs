//! Reading what the provider grants: tokens, a challenge, or that something is done.

use std::collections::BTreeMap;

use countersign_core::http::HttpResponse;
use countersign_core::jwt::Claims;
use countersign_core::{
    AccessToken, Ambient, Error, ErrorKind, IdToken, MemoPatch, Operation, Outcome, Profile,
    RefreshToken, SecretBytes, SecretString, TokenResponse,
};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::challenge::{self, Pending};
use crate::config::Wikimedia;
use crate::provider::{USERNAME, login_name};
use crate::wire::{AuthAnswer, GetUserAnswer};

impl Wikimedia {
    /// Reads an answer with a success status.
    pub(crate) fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::SignIn => {
                self.tokens_or_challenge(response.json()?, &login_name(ambient)?, ambient)
            }
            Operation::Answer { challenge, .. } => {
                let pending = Pending::from_continuation(&challenge.continuation)?;
                self.tokens_or_challenge(response.json()?, pending.username(), ambient)
            }
            Operation::Refresh => tokens(response.json()?, None, ambient),
            Operation::WhoAmI => Ok(whoami(response.json()?)),
            Operation::Revoke
            | Operation::ForgotPassword
            | Operation::ConfirmForgotPassword { .. }
            | Operation::ChangePassword { .. } => {
                // 204 by document. A page in its place is no success.
                if !response.is_blank() {
                    let _: BTreeMap<String, IgnoredAny> = response.json()?;
                }
                Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
            }
            _ => Err(Error::new(ErrorKind::Unsupported)),
        }
    }

    /// The provider's published code has no word for a challenge after an answer; one that comes is
    /// surfaced all the same.
    fn tokens_or_challenge(
        &self,
        answer: AuthAnswer,
        username: &str,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        if answer.access_token.is_some() {
            return tokens(answer, Some(username), ambient);
        }
        let name = answer.challenge_name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or_else(incomplete)?;
        challenge::read(self, name, answer.session.as_ref(), username, ambient)
    }
}

/// `sent` is the user name of the login that the answer belongs to; a refresh keeps the one it has.
fn tokens(answer: AuthAnswer, sent: Option<&str>, ambient: &Ambient<'_>) -> Result<Outcome, Error> {
    let expiry = answer.lifetime();
    let present = |token: &SecretString| !token.is_empty();
    let access = AccessToken::new(answer.access_token.ok_or_else(incomplete)?)?;
    let claims = Claims::read(access.secret()).ok();
    let subject = claims.as_ref().and_then(|claims| claims.text("sub")).map(Into::into);

    let mut tokens = TokenResponse::new(access);
    tokens.access_expiry = expiry;
    tokens.refresh_token =
        answer.refresh_token.filter(present).map(RefreshToken::new).transpose()?;
    tokens.id_token = answer.id_token.filter(present).map(IdToken::new).transpose()?;
    tokens.subject = subject;
    let patch = match sent.map(|name| SecretBytes::copy_from(name.as_bytes())) {
        Some(name) if !ambient.memo.get(USERNAME).is_some_and(|kept| kept.matches(&name)) => {
            MemoPatch::none().set(USERNAME, name)
        }
        _ => MemoPatch::none(),
    };
    Ok(Outcome::Tokens(Box::new(tokens), patch))
}

fn whoami(answer: GetUserAnswer) -> Outcome {
    let mut profile = Profile::new();
    if let Some(username) = answer.username {
        profile.set("username", &username);
    }
    if let Some(groups) = answer.groups {
        profile.set("groups", &groups.join(","));
    }
    if let Some(apis) = answer.apis {
        let apis: Vec<_> = apis.iter().map(|api| format!("{} {}", api.method, api.path)).collect();
        profile.set("apis", &apis.join(","));
    }
    for (name, number) in
        [("requests_count", answer.requests_count), ("download_limit", answer.download_limit)]
    {
        if let Some(Value::Number(number)) = number {
            profile.set(name, &number.to_string());
        }
    }
    Outcome::Done(profile, MemoPatch::none())
}

fn incomplete() -> Error {
    Error::new(ErrorKind::Protocol).hint("the answer holds neither tokens nor a challenge")
}
