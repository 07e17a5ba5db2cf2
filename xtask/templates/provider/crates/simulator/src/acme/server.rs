//! The server of Acme: its paths, its rules, its refusals.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::Settings;
use super::wire::{Redeemed, Refusal, SignIn, SignedIn, WithRefreshToken, body};
use crate::account::Accounts;
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::operation::Operation;
use crate::record::AuthVerdict;
use crate::token_book::Worth;
use crate::wire::{self, Echo};

type Answer = Result<Response<Bytes>, Cause>;

pub(super) struct Server {
    settings: Settings,
}

impl Server {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    fn sign_in(&self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
        let asked: SignIn = body(request).ok_or(Cause::BadRequest)?;
        cx.about(&asked.username);
        let now_ms = cx.now_ms;
        let account = cx.accounts.get(&asked.username).ok_or(Cause::BadCredentials)?;
        if account.password.is_empty() || account.password != asked.password {
            return Err(Cause::BadCredentials);
        }
        if account.disabled || account.is_locked_out(now_ms) {
            return Err(Cause::Suspended);
        }
        cx.secret(&asked.password);
        let family = cx.tokens.new_family();
        let refresh_token = cx.random.token();
        let ends = cx.after(self.settings.refresh_life);
        cx.issue_refresh(&refresh_token, &asked.username, family, ends);
        let signed_in = SignedIn {
            access_token: self.access_token(cx, &asked.username, family),
            expires_in: self.settings.access_life.as_secs(),
            refresh_token,
            refresh_expires_in: self.settings.refresh_life.as_secs(),
        };
        Ok(wire::json(StatusCode::OK, &signed_in))
    }

    /// The refresh token stays as it is.
    fn refresh(&self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
        let asked: WithRefreshToken = body(request).ok_or(Cause::BadRequest)?;
        let (account, family) = match cx.tokens.refresh(&asked.refresh_token, cx.now_ms) {
            (Worth::Good, Some(token)) => (token.account.clone(), token.family),
            _ => return Err(Cause::DeadRefreshToken),
        };
        cx.tokens.redeem(&asked.refresh_token, cx.now_ms, false);
        let redeemed = Redeemed {
            access_token: self.access_token(cx, &account, family),
            expires_in: self.settings.access_life.as_secs(),
        };
        Ok(wire::json(StatusCode::OK, &redeemed))
    }

    fn access_token(&self, cx: &mut Context<'_>, account: &str, family: u64) -> String {
        let (token, ends) = (cx.random.token(), cx.after(self.settings.access_life));
        cx.issue_access(&token, account, family, ends);
        token
    }
}

fn echo(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let Some(value) = wire::header_text(request.headers(), "authorization") else {
        cx.verdict(AuthVerdict::Missing);
        return Err(Cause::TokenRefused);
    };
    let Some(token) = value.strip_prefix("Bearer ") else {
        cx.verdict(AuthVerdict::Malformed);
        return Err(Cause::TokenRefused);
    };
    let token = cx.check_access(token).map_err(|_| Cause::TokenRefused)?;
    Ok(wire::json(StatusCode::OK, &Echo::of(request, &token)))
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "acme"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::POST, "/sim/echo") => Operation::RESOURCE,
            (&Method::POST, "/session") => Operation::SIGN_IN,
            (&Method::POST, "/session/refresh") => Operation::REFRESH,
            _ => Operation::UNKNOWN,
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        let answer = match self.operation(request) {
            Operation::SIGN_IN => self.sign_in(request, cx),
            Operation::REFRESH => self.refresh(request, cx),
            Operation::RESOURCE => echo(request, cx),
            _ => Err(Cause::NotFound),
        };
        answer.unwrap_or_else(|cause| {
            cx.refuse(cause.code());
            cause.response()
        })
    }

    fn fields(&self) -> Fields {
        Fields { access_tokens: &["access_token"], expiries: &["expires_in", "refresh_expires_in"] }
    }

    fn failure(&self, _operation: Operation, kind: Failure) -> Response<Bytes> {
        let cause = match kind {
            Failure::Internal => Cause::Internal,
            Failure::Throttled => Cause::Throttled,
            Failure::Unauthorized => Cause::TokenRefused,
            Failure::Unavailable => Cause::Unavailable,
        };
        cause.response()
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![("RESOURCE".to_owned(), "/sim/echo".to_owned())];
        if let Some(account) = accounts.first() {
            pairs.push(("IDENTITY".to_owned(), account.identity.clone()));
            pairs.push(("PASSWORD".to_owned(), account.password.clone()));
        }
        pairs
    }
}

/// Why a request is refused.
#[derive(Clone, Copy)]
enum Cause {
    BadCredentials,
    BadRequest,
    DeadRefreshToken,
    Internal,
    NotFound,
    Suspended,
    Throttled,
    TokenRefused,
    Unavailable,
}

impl Cause {
    fn code(self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::BadRequest => "bad_request",
            Self::DeadRefreshToken => "dead_refresh_token",
            Self::Internal => "internal",
            Self::NotFound => "not_found",
            Self::Suspended => "suspended",
            Self::Throttled => "throttled",
            Self::TokenRefused => "token_refused",
            Self::Unavailable => "unavailable",
        }
    }

    fn response(self) -> Response<Bytes> {
        let (status, message) = match self {
            Self::BadCredentials => (StatusCode::UNAUTHORIZED, "user name or password is wrong"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "the request is malformed"),
            Self::DeadRefreshToken => (StatusCode::UNAUTHORIZED, "the refresh token is dead"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong"),
            Self::NotFound => (StatusCode::NOT_FOUND, "there is nothing here"),
            Self::Suspended => (StatusCode::FORBIDDEN, "the account is suspended"),
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Self::TokenRefused => (StatusCode::UNAUTHORIZED, "the access token is not accepted"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "under maintenance"),
        };
        wire::json(status, &Refusal { code: self.code(), message })
    }
}
