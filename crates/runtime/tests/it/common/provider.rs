//! A provider as plain as can be: one JSON shape for everything.

use std::time::Duration;

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, secret_header};
use countersign_core::{
    AccessToken, Ambient, AuthProvider, Authorization, Capabilities, Certainty, Challenge,
    ChallengeKind, Continuation, CredentialKind, CredentialKinds, Error, ErrorKind, Lifetime,
    MemoPatch, Operation, Origin, Outcome, Profile, ProviderId, Realm, Recovery, RefreshSupport,
    RefreshToken, Rejection, RevokeSupport, SecretBytes, SecretString, Timestamp, TokenResponse,
    TokenSet, Verdict,
};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Plain {
    pub realm: Realm,
    pub capabilities: Capabilities,
    /// `authorize` panics.
    pub panics_in_authorize: bool,
    /// Codes are made of a secret, as real ones are.
    pub needs_totp_secret: bool,
    /// Signs in without looking at the password, by a mailed code say.
    pub judges_no_password: bool,
}

impl Default for Plain {
    fn default() -> Self {
        let mut realm = Realm::new(Origin::parse("https://auth.example").unwrap());
        realm.api_origins = vec![Origin::parse("https://api.example").unwrap()];
        let mut capabilities = Capabilities::default();
        capabilities.credentials = CredentialKinds::new([CredentialKind::Password], []);
        capabilities.refresh = RefreshSupport::Reusable;
        capabilities.revoke = RevokeSupport::Family;
        capabilities.change_password = true;
        capabilities.who_am_i = true;
        Self {
            realm,
            capabilities,
            panics_in_authorize: false,
            needs_totp_secret: false,
            judges_no_password: false,
        }
    }
}

impl Plain {
    pub fn refreshing(mut self, refresh: RefreshSupport) -> Self {
        self.capabilities.refresh = refresh;
        self
    }

    pub fn with_codes(mut self, step: Duration) -> Self {
        self.capabilities.code_per_request = Some(step);
        self
    }

    /// Codes that cannot be made without their secret.
    pub fn with_secret_codes(mut self, step: Duration) -> Self {
        self.needs_totp_secret = true;
        self.with_codes(step)
    }

    fn error(&self, operation: &Operation, response: &HttpResponse, body: &Value) -> Error {
        let kind = match (response.status().as_u16(), body["error"].as_str()) {
            (_, Some("locked")) => ErrorKind::AccountLocked,
            (_, Some("bad_code")) => ErrorKind::CodeMismatch,
            (_, Some("no_such_path")) => ErrorKind::Protocol,
            (_, Some("pool_fails")) => ErrorKind::TemporarilyUnavailable,
            (429, _) => ErrorKind::RateLimited,
            (500..=599, _) => ErrorKind::TemporarilyUnavailable,
            _ => ErrorKind::InvalidGrant,
        };
        let mut error =
            Error::new(kind).at(self.id(), operation.name()).with_status(response.status());
        if let Some(until) = body["until"].as_i64() {
            error = error.with_recovery(Recovery::WaitUntil(Timestamp::from_millis(until)));
        }
        if body["possible"].as_bool() == Some(true) {
            error = error.with_certainty(Certainty::Possible);
        }
        error
    }
}

impl AuthProvider for Plain {
    fn id(&self) -> ProviderId {
        ProviderId::new("plain")
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn request(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        let refresh = ambient.tokens.and_then(TokenSet::refresh_token);
        let refresh = refresh.map(|token| token.secret().expose().to_owned());
        let access = ambient.tokens.map(|t| t.access_token().secret().expose().to_owned());
        let (path, body) = match operation {
            Operation::SignIn => {
                let password = ambient.credentials.expect_password()?;
                ("sign_in", json!({ "password": password.expose() }))
            }
            Operation::Answer { challenge, answers } => {
                let handle = challenge.continuation.bytes().expose_bytes();
                let said = |name| answers.get(name).map(|a| a.expose().to_owned());
                let body = json!({
                    "handle": String::from_utf8_lossy(handle),
                    "code": said("code"),
                    "new_password": said("new_password"),
                    "user": ambient.memo.text("user").map(|user| user.expose().to_owned()),
                });
                ("answer", body)
            }
            Operation::Refresh => {
                let mut body = json!({ "refresh": refresh });
                if let Some(user) = ambient.memo.text("user") {
                    body["user"] = user.expose().into();
                }
                if let Ok(secret) = ambient.credentials.expect_client_secret() {
                    body["client_secret"] = secret.expose().into();
                }
                ("refresh", body)
            }
            Operation::Revoke => ("revoke", json!({ "refresh": refresh, "access": access })),
            Operation::ChangePassword { new_password } => {
                let old = ambient.credentials.expect_password()?;
                let body =
                    json!({ "access": access, "old": old.expose(), "new": new_password.expose() });
                ("change_password", body)
            }
            Operation::WhoAmI => ("who_am_i", json!({ "access": access })),
            _ => return Err(Error::new(ErrorKind::Unsupported).at(self.id(), operation.name())),
        };
        HttpRequest::post_json(&format!("https://auth.example/{path}"), &body)
    }

    fn interpret(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let body: Value = response.json()?;
        assert!(body["panic"].is_null(), "canary: the adapter panics");
        if !response.status().is_success() {
            return Err(self.error(operation, response, &body));
        }
        if let Some(access) = body["access"].as_str() {
            let mut tokens = TokenResponse::new(AccessToken::new(access.to_owned())?);
            let life = body["expires_in_ms"].as_u64().map(Duration::from_millis);
            let end = body["expires_at_ms"].as_i64().map(Timestamp::from_millis);
            tokens.access_expiry = end.map(Lifetime::Until).or(life.map(Lifetime::For));
            let refresh = body["refresh"].as_str().map(|t| RefreshToken::new(t.to_owned()));
            tokens.refresh_token = refresh.transpose()?;
            tokens.subject = body["subject"].as_str().map(Into::into);
            return Ok(Outcome::Tokens(Box::new(tokens), user(&body)));
        }
        if let Some(handle) = body["challenge"].as_str() {
            let kind = match body["wants"].as_str() {
                Some("new_password") => ChallengeKind::NewPassword,
                _ => ChallengeKind::Code,
            };
            let handle = Continuation::new(SecretBytes::copy_from(handle.as_bytes()));
            let end = ambient.now.after(Duration::from_secs(180));
            let challenge = Challenge::new("PROOF", kind, handle, end);
            return Ok(Outcome::Challenge(Box::new(challenge), user(&body)));
        }
        Ok(Outcome::Done(Profile::new(), user(&body)))
    }

    fn proves_password(&self, _: &Operation, _: &Outcome) -> bool {
        !self.judges_no_password
    }

    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        assert!(!self.panics_in_authorize, "canary: the adapter panics");
        let bearer = format!("Bearer {}", tokens.access_token().secret().expose());
        let value = secret_header(&SecretString::new(bearer))?;
        let Some(step) = self.capabilities.code_per_request else {
            return Ok(Authorization::new([(AUTHORIZATION, value)], tokens.expires_at()));
        };
        if self.needs_totp_secret {
            ambient.credentials.expect_totp_secret()?;
        }
        let length = step.as_millis() as i64;
        let n = ambient.now.as_millis().div_euclid(length);
        let code = secret_header(&SecretString::new(format!("{n:06}")))?;
        let otp = http::HeaderName::from_static("otp");
        let end = Timestamp::from_millis((n + 1) * length);
        Ok(Authorization::new([(AUTHORIZATION, value), (otp, code)], end))
    }

    fn rejects(&self, head: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        match head.status.as_u16() {
            401 => Verdict::Rejected(Rejection::InvalidToken),
            _ => Verdict::Accepted,
        }
    }
}

/// What the provider calls the user inside, if it says so.
fn user(body: &Value) -> MemoPatch {
    match body["user"].as_str() {
        Some(user) => MemoPatch::none().set("user", SecretBytes::copy_from(user.as_bytes())),
        None => MemoPatch::none(),
    }
}
