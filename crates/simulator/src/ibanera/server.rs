//! The server of Ibanera: its paths, and its resource with a code on every request.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::wire::{FieldError, failure, success};
use super::{SecretEncoding, Settings, login};
use crate::account::Accounts;
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::jwt::{Algorithm, Mint};
use crate::operation::Operation;
use crate::record::AuthVerdict;
use crate::simulator::Setup;
use crate::totp::base32_key;
use crate::wire::{self, Echo};

const LOGIN: &str = "/api/v1/public/auth/login";
const RESOURCE: &str = "/api/v1/customer/sim/echo";

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) mint: Mint,
}

impl Server {
    pub(super) fn new(settings: Settings, setup: &Setup) -> Self {
        Self { settings, mint: Mint::new(setup.key(), Algorithm::Hs256) }
    }

    /// The time step whose code of this account was presented, if it is taken now.
    pub(super) fn step_of(&self, cx: &Context<'_>, identity: &str, code: &str) -> Option<i64> {
        let secret = cx.accounts.get(identity)?.totp_secret.as_deref()?;
        let key = match self.settings.encoding {
            SecretEncoding::Base32 => base32_key(secret)?,
            SecretEncoding::Raw => secret.as_bytes().to_vec(),
        };
        self.settings.totp.matching_step(&key, code, cx.now_ms)
    }

    fn echo(&self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        let presented = wire::header_text(request.headers(), "authorization");
        let Some(presented) = presented else { return unauthorized(cx, AuthVerdict::Missing) };
        let Some(token) = presented.strip_prefix("Bearer ") else {
            return unauthorized(cx, AuthVerdict::Malformed);
        };
        let token = match cx.check_access(token) {
            Ok(token) => token,
            Err(verdict) => return unauthorized(cx, verdict),
        };
        let code = wire::header_text(request.headers(), "otp").unwrap_or_default();
        if self.step_of(cx, &token.account, code).is_none() {
            cx.verdict(AuthVerdict::BadCode);
            cx.refuse("wrong_code");
            let status = self.settings.wrong_code_status;
            return match &self.settings.wrong_code_message {
                Some(message) => failure(status, vec![FieldError::new("otp", message)]),
                None => wire::empty(status),
            };
        }
        cx.secret(code);
        let account = cx.accounts.get(&token.account);
        if account
            .and_then(|account| account.attributes.get("resource"))
            .is_some_and(|value| value == "forbidden")
        {
            cx.refuse("not_allowed");
            return wire::empty(StatusCode::FORBIDDEN);
        }
        success(Echo::of(request, &token))
    }
}

/// The body is not documented; empty says the least.
fn unauthorized(cx: &mut Context<'_>, verdict: AuthVerdict) -> Response<Bytes> {
    cx.verdict(verdict);
    cx.refuse("token_refused");
    wire::empty(StatusCode::UNAUTHORIZED)
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "ibanera"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        let post = request.method() == Method::POST;
        match request.uri().path() {
            LOGIN if post => Operation::SIGN_IN,
            RESOURCE if post || request.method() == Method::GET => Operation::RESOURCE,
            path if post && self.settings.refresh_path.as_deref() == Some(path) => {
                Operation::REFRESH
            }
            _ => Operation::UNKNOWN,
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        match self.operation(request) {
            Operation::SIGN_IN => login::sign_in(self, request, cx),
            Operation::REFRESH => login::refresh(self, request, cx),
            Operation::RESOURCE => self.echo(request, cx),
            _ => {
                cx.refuse("not_found");
                wire::empty(StatusCode::NOT_FOUND)
            }
        }
    }

    fn fields(&self) -> Fields {
        Fields {
            access_tokens: &["accessToken"],
            expiries: &["expiresIn", "refreshTokenExpiresIn"],
        }
    }

    fn failure(&self, _operation: Operation, kind: Failure) -> Response<Bytes> {
        wire::empty(match kind {
            Failure::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Failure::Unauthorized => StatusCode::UNAUTHORIZED,
            Failure::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        })
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("RESOURCE", RESOURCE.to_owned()),
            ("TOTP_PERIOD_MS", self.settings.totp.period_ms.to_string()),
        ];
        if let Some(account) = accounts.first() {
            pairs.push(("IDENTITY", account.identity.clone()));
            pairs.push(("PASSWORD", account.password.clone()));
            pairs.extend(account.totp_secret.clone().map(|secret| ("TOTP_SECRET", secret)));
        }
        pairs.extend(self.settings.refresh_path.clone().map(|path| ("REFRESH_PATH", path)));
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
