//! Reading what the service grants: tokens, a challenge, or that something is done.

use countersign_core::http::HttpResponse;
use countersign_core::jwt::Claims;
use countersign_core::{
    AccessToken, Ambient, Error, ErrorKind, IdToken, Lifetime, MemoPatch, Outcome, Profile,
    RefreshToken, SecretString, TokenResponse,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::challenge::{self, Chain, bounded_session};
use crate::config::{Cognito, Presented};
use crate::device::{self, Device};
use crate::error::Refused;
use crate::flow::Devices;
use crate::pending::{Next, Pending};
use crate::self_service::{Extension, code_sent, registered};
use crate::wire;
use crate::wire::account::{DeviceConfirmed, GetUserAnswer, Verified};

impl Cognito {
    /// Reads an answer that refuses nothing.
    pub(crate) fn read(
        &self,
        call: Call<'_>,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match call {
            Call::InitiateAuth => {
                let chain = Chain { username: ambient.credentials.identity()?, round: 0 };
                self.tokens_or_challenge(response, &chain, ambient)
            }
            Call::Answer(pending, ..) | Call::Respond(pending, _) => {
                let chain = Chain { username: &pending.username, round: pending.next_round()? };
                self.tokens_or_challenge(response, &chain, ambient)
            }
            Call::Associate(pending) => self.associated(pending, response, ambient),
            Call::Verify(pending, _) => {
                let verified: Verified = response.json()?;
                verified.expect_success()?;
                // The session that comes with the verdict is the one that goes on.
                let session = bounded_session(verified.session)?.or(pending.session);
                let next = Pending { next: Next::Respond, session, shared_secret: None, ..pending };
                Ok(Outcome::Continue(next.keep()?, MemoPatch::none()))
            }
            Call::ConfirmDevice(pending) => {
                // A success that cannot be read says nothing more about the device than no answer.
                let Ok(confirmed) = body_or_default::<DeviceConfirmed>(response) else {
                    return self.kept_tokens(pending, MemoPatch::none(), ambient);
                };
                let patch = device::confirmed(ambient);
                if confirmed.user_confirmation_necessary && self.devices == Devices::Remember {
                    let next = Pending { next: Next::RememberDevice, ..pending };
                    return Ok(Outcome::Continue(next.keep()?, patch));
                }
                self.kept_tokens(pending, patch, ambient)
            }
            Call::RememberDevice(pending) => self.kept_tokens(pending, MemoPatch::none(), ambient),
            Call::Refresh => {
                let answer: wire::AuthAnswer = response.json()?;
                match answer.authentication_result {
                    Some(result) => self.tokens(result, ambient),
                    None => Err(incomplete()),
                }
            }
            Call::Register(_) => registered(response),
            Call::ForgotPassword => Ok(Outcome::Done(code_sent(response)?, MemoPatch::none())),
            Call::Extension(extension, given) => {
                self.read_extension(extension, given, response, ambient)
            }
            Call::WhoAmI => {
                let answer: GetUserAnswer = response.json()?;
                Ok(whoami(answer, ambient))
            }
            Call::ChangePassword
            | Call::ConfirmForgotPassword
            | Call::Revoke
            | Call::SignOutEverywhere => {
                let _: Map<String, Value> = body_or_default(response)?;
                Ok(Outcome::Done(Profile::new(), MemoPatch::none()))
            }
        }
    }

    /// What a refusal comes to. A device is never worth a sign-in: one that the pool does not know is
    /// forgotten, and the operation begins again without it; one that could not be confirmed is not.
    pub(crate) fn refused(
        &self,
        call: Call<'_>,
        refusal: Refused,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match (refusal, call) {
            (Refused::Done, _) => Ok(Outcome::Done(Profile::new(), MemoPatch::none())),
            (
                Refused::Because(_) | Refused::DeviceGone(_),
                Call::ConfirmDevice(pending) | Call::RememberDevice(pending),
            ) => self.kept_tokens(pending, MemoPatch::none(), ambient),
            (Refused::DeviceGone(_), Call::Extension(Extension::ForgetDevice, _)) => {
                Ok(Outcome::Done(Profile::new(), device::forgotten()))
            }
            (
                Refused::DeviceGone(_),
                Call::InitiateAuth | Call::Refresh | Call::Answer(..) | Call::Respond(..),
            ) if Device::known(ambient.memo).is_some() => {
                let again = Pending::step(Next::Again, "");
                Ok(Outcome::Continue(again.keep()?, device::forgotten()))
            }
            (Refused::Because(error) | Refused::DeviceGone(error), _) => Err(error),
        }
    }

    fn tokens_or_challenge(
        &self,
        response: &HttpResponse,
        chain: &Chain<'_>,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut answer: wire::AuthAnswer = response.json()?;
        if let Some(mut result) = answer.authentication_result.take() {
            let device = result.new_device_metadata.take();
            let Some(introduced) = device.as_ref().and_then(device::introduced) else {
                return self.tokens(result, ambient);
            };
            if self.devices == Devices::Keep || result.access_token.is_none() {
                return self.tokens(result, ambient).map(|tokens| patched(tokens, introduced));
            }
            let mut next = Pending::step(Next::ConfirmDevice, chain.username);
            next.result = Some(result);
            return Ok(Outcome::Continue(next.keep()?, introduced));
        }
        match answer.challenge_name.take().filter(|name| !name.is_empty()) {
            Some(name) => challenge::read(self, &name, answer, chain, ambient),
            None => Err(incomplete()),
        }
    }

    /// The tokens that came before the device was settled. Their life counts from the beginning of the
    /// exchange: when exactly they were sent is not known any more.
    pub(crate) fn kept_tokens(
        &self,
        pending: Pending,
        patch: MemoPatch,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let outcome = self.tokens(pending.result.ok_or_else(incomplete)?, ambient)?;
        let outcome = match outcome {
            Outcome::Tokens(mut tokens, patch) => {
                if let Some(Lifetime::For(life)) = tokens.access_expiry {
                    tokens.access_expiry = Some(Lifetime::Until(ambient.now.after(life)));
                }
                Outcome::Tokens(tokens, patch)
            }
            other => other,
        };
        Ok(patched(outcome, patch))
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
            claim("username").map(|name| challenge::remember(&name, ambient)).unwrap_or_default();
        let subject = claim("sub").map(Into::into);

        let mut tokens = TokenResponse::new(access);
        tokens.access_expiry = expiry;
        tokens.refresh_token = refresh;
        tokens.id_token = id;
        tokens.subject = subject;
        Ok(Outcome::Tokens(Box::new(tokens), patch))
    }
}

fn patched(outcome: Outcome, later: MemoPatch) -> Outcome {
    match outcome {
        Outcome::Tokens(tokens, patch) => Outcome::Tokens(tokens, patch.then(later)),
        other => other,
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

fn whoami(answer: GetUserAnswer, ambient: &Ambient<'_>) -> Outcome {
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
pub(crate) fn body_or_default<T: DeserializeOwned>(response: &HttpResponse) -> Result<T, Error> {
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
