//! The server of IGNY8: its paths, the throttle in front, and who is signed in.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;

use super::envelope::{Refusal, failure_page, not_found_page, success, unavailable_page};
use super::throttle::{Throttle, Verdict};
use super::{MissingSlash, Settings, login, password, register};
use crate::account::Accounts;
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::jwt::{Algorithm, Mint};
use crate::operation::Operation;
use crate::record::AuthVerdict;
use crate::simulator::Setup;
use crate::token_book::{Access, Worth};
use crate::wire::{self, Echo};

const PREFIX: &str = "/api/v1";
const RESOURCE: &str = "/sim/echo/";
/// Of answers that are made without a request's own randomness.
const NO_REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) mint: Mint,
    throttle: Throttle,
    /// Of each user, and of whoever shows no good token.
    general: HashMap<Option<String>, Throttle>,
    /// Django's sessions: whose, and since when.
    pub(super) sessions: HashMap<String, (String, i64)>,
}

/// The body of a request: an object, whose members are texts.
pub(super) struct Asked(Value);

impl Asked {
    fn of(request: &Request<Bytes>) -> Self {
        Self(match wire::is_of_type(request.headers(), "application/json") {
            true => serde_json::from_slice(request.body()).unwrap_or_default(),
            false => Value::Null,
        })
    }

    /// A field that is there and not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The framework's words for a field that [`Asked::text`] does not have.
    pub(super) fn why_not(&self, name: &str) -> &'static str {
        match self.0.get(name) {
            None => "This field is required.",
            Some(Value::Null) => "This field may not be null.",
            Some(Value::String(_)) => "This field may not be blank.",
            Some(_) => "Not a valid string.",
        }
    }
}

impl Server {
    pub(super) fn new(settings: Settings, setup: &Setup) -> Self {
        let mint = Mint::new(setup.key(), Algorithm::Hs256);
        let (throttle, general) = (Throttle::default(), HashMap::new());
        Self { settings, mint, throttle, general, sessions: HashMap::new() }
    }

    /// Nobody is signed in.
    pub(super) fn unauthenticated(&self) -> Refusal {
        match self.settings.fall_through {
            None => {
                Refusal::new(StatusCode::UNAUTHORIZED, "Authentication required", "token_refused")
            }
            Some(status) => {
                let text = "Authentication credentials were not provided.";
                Refusal::new(status, text, "token_refused")
            }
        }
    }

    /// The presented token, if it is good and the session cookie beside it is of the same account.
    fn authorised(
        &mut self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<Access, Refusal> {
        let presented = wire::header_text(request.headers(), "authorization");
        let token = match presented.map(|value| value.strip_prefix("Bearer ")) {
            None => Err(AuthVerdict::Missing),
            Some(None) => Err(AuthVerdict::Malformed),
            Some(Some(token)) => cx.check_access(token),
        };
        let token = token.map_err(|verdict| {
            cx.verdict(verdict);
            self.unauthenticated()
        })?;
        if let Some(session) = session_of(request)
            && self.sessions.get(session).is_some_and(|(account, _)| *account != token.account)
        {
            self.sessions.remove(session);
            cx.verdict(AuthVerdict::Malformed);
            let text = "Session expired. Please log in again.";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, text, "session_contaminated"));
        }
        let account = cx.accounts.get(&token.account).ok_or_else(|| self.unauthenticated())?;
        login::standing(self, account)?;
        Ok(token)
    }

    /// What the throttle of this request says, where there is one.
    fn throttled(
        &mut self,
        operation: Operation,
        request: &Request<Bytes>,
        cx: &Context<'_>,
    ) -> Option<Verdict> {
        let Settings { throttle, general_throttle, users_bypass, .. } = self.settings;
        match operation {
            Operation::UNKNOWN => None,
            Operation::SIGN_IN | Operation::REGISTER => {
                Some(self.throttle.admit(throttle?, cx.now_ms))
            }
            Operation::REFRESH => {
                Some(self.general.entry(None).or_default().admit(general_throttle?, cx.now_ms))
            }
            _ => {
                let presented = wire::header_text(request.headers(), "authorization");
                let token = presented.and_then(|value| value.strip_prefix("Bearer "))?;
                // Who is not signed in is refused before anybody counts.
                let (Worth::Good, Some(token)) = cx.tokens.access(token, cx.now_ms) else {
                    return None;
                };
                let limit = general_throttle.filter(|_| !users_bypass)?;
                let user = Some(token.account.clone());
                Some(self.general.entry(user).or_default().admit(limit, cx.now_ms))
            }
        }
    }

    fn carry_out(
        &mut self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let asked = Asked::of(request);
        match self.operation(request) {
            Operation::SIGN_IN => login::sign_in(self, &asked, cx),
            Operation::REGISTER => register::register(&asked, cx),
            Operation::REFRESH => login::refresh(self, &asked, cx),
            Operation::REVOKE => Ok(login::logout(&self.authorised(request, cx)?, cx)),
            Operation::CHANGE_PASSWORD => {
                let token = self.authorised(request, cx)?;
                password::change(self, &asked, &token, cx)
            }
            Operation::RESOURCE => {
                let token = self.authorised(request, cx)?;
                let account = cx.accounts.get(&token.account);
                let resource = account.and_then(|account| account.attributes.get("resource"));
                if resource.is_some_and(|value| value == "forbidden") {
                    let text = "Permission denied";
                    return Err(Refusal::new(StatusCode::FORBIDDEN, text, "not_allowed"));
                }
                Ok(success(StatusCode::OK, &Echo::of(request, &token), &cx.random.uuid()))
            }
            _ => {
                cx.refuse("not_found");
                Ok(self.no_such_path(request))
            }
        }
    }

    /// Django's own answers: to a path that lacks its slash, and to one that it does not have.
    fn no_such_path(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        let known = !path.ends_with('/') && self.named(request.method(), &format!("{path}/"));
        match self.settings.missing_slash {
            _ if !known => not_found_page(),
            MissingSlash::Error if request.method() == Method::POST => failure_page(),
            MissingSlash::Error | MissingSlash::Redirect => {
                let mut response = wire::html(StatusCode::MOVED_PERMANENTLY, "");
                if let Ok(to) = HeaderValue::from_str(&format!("{path}/")) {
                    response.headers_mut().insert(header::LOCATION, to);
                }
                response
            }
        }
    }

    fn named(&self, method: &Method, path: &str) -> bool {
        self.operation_of(method, path) != Operation::UNKNOWN
    }

    fn operation_of(&self, method: &Method, path: &str) -> Operation {
        let Some(path) = path.strip_prefix(PREFIX) else { return Operation::UNKNOWN };
        let post = method == Method::POST;
        match path {
            RESOURCE if post || method == Method::GET => Operation::RESOURCE,
            _ if !post => Operation::UNKNOWN,
            "/auth/login/" => Operation::SIGN_IN,
            "/auth/register/" => Operation::REGISTER,
            path if path == self.settings.refresh_path => Operation::REFRESH,
            path if path == self.settings.change_path => Operation::CHANGE_PASSWORD,
            path if self.settings.logout_path.as_deref() == Some(path) => Operation::REVOKE,
            _ => Operation::UNKNOWN,
        }
    }
}

fn session_of(request: &Request<Bytes>) -> Option<&str> {
    let cookies = wire::header_text(request.headers(), "cookie")?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("sessionid="))
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "igny8"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        self.operation_of(request.method(), request.uri().path())
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        let operation = self.operation(request);
        let verdict = self.throttled(operation, request, cx);
        let answer = match &verdict {
            Some(verdict) if !verdict.allowed => {
                let text = "Request was throttled.";
                Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, text, "throttled"))
            }
            _ => self.carry_out(request, cx),
        };
        let mut response = answer.unwrap_or_else(|refusal| {
            cx.refuse(refusal.word);
            let status = match self.settings.errors_with_200 && operation.is_auth() {
                true => StatusCode::OK,
                false => refusal.status,
            };
            refusal.response(status, &cx.random.uuid())
        });
        if let Some(verdict) = verdict {
            verdict.tell(&mut response, self.settings.retry_after);
        }
        response
    }

    fn fields(&self) -> Fields {
        Fields {
            access_tokens: &["access", "access_token"],
            expiries: &["access_expires_at", "refresh_expires_at"],
        }
    }

    fn failure(&self, _operation: Operation, kind: Failure) -> Response<Bytes> {
        let refusal = match kind {
            Failure::Unauthorized => self.unauthenticated(),
            Failure::Throttled => {
                let text = "Request was throttled.";
                Refusal::new(StatusCode::TOO_MANY_REQUESTS, text, "throttled")
            }
            Failure::Internal if self.settings.html_errors => return failure_page(),
            Failure::Unavailable if self.settings.html_errors => return unavailable_page(),
            Failure::Internal => {
                let text = "Internal server error";
                Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text, "fault")
            }
            Failure::Unavailable => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable", "fault")
            }
        };
        refusal.response(refusal.status, NO_REQUEST_ID)
    }

    fn reset_header(&self) -> Option<&'static str> {
        Some("x-throttle-reset")
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("BASE_PATH", PREFIX.to_owned()),
            ("RESOURCE", format!("{PREFIX}{RESOURCE}")),
            ("REFRESH_PATH", self.settings.refresh_path.clone()),
            ("CHANGE_PASSWORD_PATH", self.settings.change_path.clone()),
        ];
        pairs.extend(self.settings.logout_path.clone().map(|path| ("LOGOUT_PATH", path)));
        if let Some(account) = accounts.first() {
            pairs.push(("IDENTITY", account.identity.clone()));
            pairs.push(("PASSWORD", account.password.clone()));
        }
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
