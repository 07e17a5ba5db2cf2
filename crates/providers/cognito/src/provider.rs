//! The contract: which request an operation is, and what an API call carries.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Credentials, Error, ErrorKind, MemoPatch,
    Operation, Outcome, ProviderId, Realm, Rejection, SecretString, TokenSet, Verdict,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::answer::no_id_token;
use crate::call::Call;
use crate::challenge::USERNAME;
use crate::config::{Attachment, Cognito, Presented, RefreshCall};
use crate::device::Device;
use crate::flow::{FirstFactor, Flow};
use crate::pending::Pending;
use crate::secret_hash::secret_hash;
use crate::wire::Parameters;
use crate::{error, input, respond, wire};

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
        let request = Call::of(operation).and_then(|call| self.build(&call, operation, ambient));
        request.map_err(|error| error.at(ID, operation.name()))
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let outcome = Call::of(operation).and_then(|call| {
            match error::refusal(self, &call, operation, response, ambient) {
                Some(refusal) => self.refused(call, refusal, ambient),
                None => self
                    .read(call, response, ambient)
                    .map_err(|error| error.with_status(response.status())),
            }
        });
        outcome.map_err(|error| error.at(ID, operation.name()))
    }

    fn without_answer(&self, operation: &Operation, ambient: &Ambient<'_>) -> Option<Outcome> {
        match Call::of(operation).ok()? {
            Call::ConfirmDevice(pending) | Call::RememberDevice(pending) => {
                self.kept_tokens(pending, MemoPatch::none(), ambient).ok()
            }
            _ => None,
        }
    }

    fn proves_password(&self, operation: &Operation, outcome: &Outcome) -> bool {
        Call::of(operation).is_ok_and(|call| call.proves_password(self, outcome))
    }

    fn computes(&self, operation: &Operation) -> bool {
        Call::of(operation).is_ok_and(|call| call.computes(self))
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
    fn build(
        &self,
        call: &Call<'_>,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let credentials = ambient.credentials;
        let with_token = |name| {
            let access_token = ambient.expect_access_token()?.expose();
            self.call(name, &wire::WithAccessToken { access_token })
        };
        match call {
            Call::InitiateAuth => self.initiate_auth(ambient),
            Call::Answer(pending, challenge, answers) => {
                let responses = respond::by_person(self, pending, challenge, answers, ambient)?;
                self.respond(pending, responses, ambient)
            }
            Call::Respond(pending, of) => {
                self.respond(pending, respond::alone(self, pending, of, ambient)?, ambient)
            }
            Call::Associate(pending) => {
                let session = pending.session.as_ref().map(SecretString::expose);
                let body = wire::account::AssociateSoftwareToken { access_token: None, session };
                self.call("AssociateSoftwareToken", &body)
            }
            Call::Verify(pending, answers) => {
                let code = input::code(answers, input::Digits::Six)?;
                let named = answers.get("device_name").filter(|name| !name.is_empty());
                let body = wire::account::VerifySoftwareToken {
                    access_token: None,
                    session: pending.session.as_ref().map(SecretString::expose),
                    user_code: code.expose(),
                    friendly_device_name: named.map(SecretString::expose),
                };
                self.call("VerifySoftwareToken", &body)
            }
            Call::ConfirmDevice(pending) => {
                let (device, token) = (Device::expect(ambient.memo)?, bought(pending)?);
                device.confirmation(ambient, token, None, |body| self.call("ConfirmDevice", body))
            }
            Call::RememberDevice(pending) => {
                self.device_status(&Device::expect(ambient.memo)?, bought(pending)?, true)
            }
            Call::Refresh => self.refresh(ambient),
            Call::Revoke => self.call(
                "RevokeToken",
                &wire::RevokeToken {
                    token: ambient.expect_refresh_token()?.expose(),
                    client_id: &self.client_id,
                    client_secret: client_secret(ambient),
                },
            ),
            Call::SignOutEverywhere => with_token("GlobalSignOut"),
            Call::WhoAmI => with_token("GetUser"),
            Call::ForgotPassword => self.send_code("ForgotPassword", ambient),
            Call::Register(attributes) => self.register(attributes, ambient),
            Call::Extension(extension, given) => self.extension(*extension, given, ambient),
            Call::ChangePassword | Call::ConfirmForgotPassword => match operation {
                Operation::ChangePassword { new_password } => self.call(
                    "ChangePassword",
                    &wire::ChangePassword {
                        access_token: ambient.expect_access_token()?.expose(),
                        previous_password: self.previous_password(credentials)?,
                        proposed_password: new_password.expose(),
                    },
                ),
                Operation::ConfirmForgotPassword { code, new_password } => {
                    let username = credentials.identity()?;
                    let hash = secret_hash(credentials, username, &self.client_id);
                    let code = input::confirmation_code(code)?;
                    self.call(
                        "ConfirmForgotPassword",
                        &wire::account::ConfirmForgotPassword {
                            client_id: &self.client_id,
                            username,
                            confirmation_code: code.expose(),
                            password: new_password.expose(),
                            secret_hash: hash.as_ref().map(SecretString::expose),
                        },
                    )
                }
                _ => Err(Error::new(ErrorKind::Unsupported)),
            },
        }
    }

    fn initiate_auth(&self, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let username = ambient.credentials.identity()?;
        let mut parameters = Parameters::default().with("USERNAME", username);
        if self.flow.needs_password() {
            // A proof comes with the next step; without a password it never will.
            let password = ambient.credentials.expect_password()?;
            if !self.flow.begins_with_srp() {
                parameters = parameters.with_secret("PASSWORD", Some(password.clone()));
            }
        }
        if self.flow.begins_with_srp() {
            parameters = parameters.with_secret("SRP_A", Some(respond::public_half(ambient)?));
        }
        parameters = match self.flow {
            Flow::UserAuth(FirstFactor::Any) => parameters,
            Flow::UserAuth(factor) => {
                parameters.with("PREFERRED_CHALLENGE", factor.name().unwrap_or_default())
            }
            Flow::CustomSrp => parameters.with("CHALLENGE_NAME", "SRP_A"),
            Flow::UserSrp | Flow::UserPassword | Flow::Custom => parameters,
        };
        let device = Device::confirmed(ambient.memo).map(|(device, _)| device.key);
        self.call(
            "InitiateAuth",
            &wire::InitiateAuth {
                auth_flow: self.flow.name(),
                client_id: &self.client_id,
                auth_parameters: parameters
                    .with_secret("SECRET_HASH", self.hash(username, ambient))
                    .with_secret("DEVICE_KEY", device),
            },
        )
    }

    fn respond(
        &self,
        pending: &Pending,
        responses: Parameters<'_>,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let body = wire::RespondToAuthChallenge {
            client_id: &self.client_id,
            challenge_name: &pending.challenge,
            session: pending.session.as_ref().map(SecretString::expose),
            challenge_responses: responses
                .with("USERNAME", &pending.username)
                .with_secret("SECRET_HASH", self.hash(&pending.username, ambient)),
        };
        self.call("RespondToAuthChallenge", &body)
    }

    fn refresh(&self, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let refresh_token = ambient.expect_refresh_token()?;
        let device = Device::known(ambient.memo).map(|device| device.key);
        match self.refresh_call {
            RefreshCall::GetTokensFromRefreshToken => self.call(
                "GetTokensFromRefreshToken",
                &wire::GetTokensFromRefreshToken {
                    refresh_token: refresh_token.expose(),
                    client_id: &self.client_id,
                    client_secret: client_secret(ambient),
                    device_key: device.as_ref().map(SecretString::expose),
                },
            ),
            RefreshCall::InitiateAuth => {
                // Here no user name is sent, and the service hashes with its own.
                let internal = ambient.memo.text(USERNAME);
                let hash = match &internal {
                    Some(internal) => self.hash(internal.expose(), ambient),
                    None => {
                        let typed = ambient.credentials.identity().ok();
                        typed.and_then(|typed| self.hash(typed, ambient))
                    }
                };
                self.call(
                    "InitiateAuth",
                    &wire::InitiateAuth {
                        auth_flow: "REFRESH_TOKEN_AUTH",
                        client_id: &self.client_id,
                        auth_parameters: Parameters::default()
                            .with_secret("REFRESH_TOKEN", Some(refresh_token.clone()))
                            .with_secret("SECRET_HASH", hash)
                            .with_secret("DEVICE_KEY", device),
                    },
                )
            }
        }
    }

    /// The password in use. An account that signs in without one may not have any yet.
    fn previous_password<'a>(&self, held: &'a Credentials) -> Result<Option<&'a str>, Error> {
        match held.expect_password() {
            Ok(password) => Ok(Some(password.expose())),
            Err(_) if !self.flow.needs_password() => Ok(None),
            Err(missing) => Err(missing),
        }
    }

    fn hash(&self, username: &str, ambient: &Ambient<'_>) -> Option<SecretString> {
        secret_hash(ambient.credentials, username, &self.client_id)
    }

    pub(crate) fn call(&self, name: &str, body: &impl Serialize) -> Result<HttpRequest, Error> {
        let target = format!("AWSCognitoIdentityProviderService.{name}");
        let target = HeaderValue::try_from(target).map_err(|_| Error::new(ErrorKind::Internal))?;
        let mut request = HttpRequest::post_json(&self.endpoint.join("/"), body)?;
        request.set(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        request.set(HeaderName::from_static("x-amz-target"), target);
        Ok(request)
    }
}

fn client_secret<'a>(ambient: &Ambient<'a>) -> Option<&'a str> {
    let secret = ambient.credentials.client_secret().map(SecretString::expose);
    secret.filter(|secret| !secret.is_empty())
}

/// The access token of a sign-in whose device is still to be settled.
fn bought(pending: &Pending) -> Result<&str, Error> {
    let token = pending.result.as_ref().and_then(|result| result.access_token.as_ref());
    token.map(SecretString::expose).ok_or_else(|| Error::new(ErrorKind::Internal))
}
