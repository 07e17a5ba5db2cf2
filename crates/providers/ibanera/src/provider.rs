//! Requests out, answers in.

use countersign_core::http::{HttpRequest, HttpResponse, ResponseHead, bearer, secret_header};
use countersign_core::totp::Totp;
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, Error, ErrorKind, MemoPatch, Operation,
    Outcome, ProviderId, Realm, Rejection, TokenSet, Verdict,
};
use http::{StatusCode, header};

use crate::config::{Ibanera, OTP};
use crate::envelope::{Envelope, Failure};
use crate::{error, wire};

const ID: ProviderId = ProviderId::new("ibanera");

impl AuthProvider for Ibanera {
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

    /// Token and code. They are good until the time step ends or the token does, on the clock of
    /// [`Ambient::now`]: code and end come from that one reading.
    fn authorize(&self, tokens: &TokenSet, ambient: &Ambient<'_>) -> Result<Authorization, Error> {
        self.token_and_code(tokens, ambient).map_err(|error| error.at(ID, "authorize"))
    }

    /// What an expired token or a wrong code answers is not documented. 401 is taken for it, and 403
    /// unless the envelope names a documented reason.
    fn rejects(&self, head: &ResponseHead<'_>, body: Option<&[u8]>) -> Verdict {
        match (head.status, body) {
            (StatusCode::UNAUTHORIZED, _) => Verdict::Rejected(Rejection::TokenOrCode),
            (StatusCode::FORBIDDEN, None) => Verdict::NeedsBody,
            (StatusCode::FORBIDDEN, Some(body)) => match Failure::of(body).known_code() {
                Some(_) => Verdict::Accepted,
                None => Verdict::Rejected(Rejection::TokenOrCode),
            },
            _ => Verdict::Accepted,
        }
    }
}

impl Ibanera {
    fn build(&self, operation: &Operation, ambient: &Ambient<'_>) -> Result<HttpRequest, Error> {
        match (operation, &self.refresh_path) {
            (Operation::SignIn, _) => {
                let totp = self.totp(ambient)?;
                let code = totp.code(totp.step_at(ambient.now));
                let login = wire::Login {
                    username: ambient.credentials.identity()?,
                    password: ambient.credentials.expect_password()?.expose(),
                    otp: code.expose(),
                };
                HttpRequest::post_json(&self.base.join("/api/v1/public/auth/login"), &login)
            }
            (Operation::Refresh, Some(path)) => {
                let token = ambient.tokens.and_then(TokenSet::refresh_token);
                let token = token.ok_or_else(|| Error::new(ErrorKind::NeedsSignIn))?;
                let refresh = wire::Refresh { refresh_token: token.secret().expose() };
                HttpRequest::post_json(&self.base.join(path), &refresh)
            }
            _ => Err(unsupported()),
        }
    }

    fn read(
        &self,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        match operation {
            Operation::SignIn => {}
            Operation::Refresh if self.refresh_path.is_some() => {}
            _ => return Err(unsupported()),
        }
        let refused = || error::refused(self, operation, response, ambient.now);
        let no = || Failure::of(response.body().expose_bytes()).says_no();
        if !response.status().is_success() || no() {
            return Err(refused());
        }
        // The outside first: what is inside of a failure has no known shape.
        if !response.json::<Envelope<serde::de::IgnoredAny>>()?.is_success() {
            return Err(refused());
        }
        let details = response.json::<Envelope<wire::Details>>()?.details.ok_or_else(|| {
            Error::new(ErrorKind::Protocol).hint("the envelope says success and has no details")
        });
        let tokens = details.and_then(wire::Details::into_tokens);
        let tokens = tokens.map_err(|error| error.with_status(response.status()))?;
        Ok(Outcome::Tokens(Box::new(tokens), MemoPatch::none()))
    }

    fn token_and_code(
        &self,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        let totp = self.totp(ambient)?;
        let step = totp.step_at(ambient.now);
        // On the server's clock. The token's own end is on another, and is the engine's to heed.
        let ends = totp.begins_at(step.saturating_add(1));
        let headers = [
            (header::AUTHORIZATION, bearer(tokens.access_token().secret())?),
            (OTP, secret_header(&totp.code(step))?),
        ];
        Ok(Authorization::new(headers, ends))
    }

    fn totp(&self, ambient: &Ambient<'_>) -> Result<Totp, Error> {
        let secret = ambient.credentials.expect_totp_secret()?;
        Totp::new(secret, self.secret_encoding, self.totp_period)
    }
}

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported).hint(
        "Ibanera publishes a login and nothing else; credentials are managed with its support",
    )
}
