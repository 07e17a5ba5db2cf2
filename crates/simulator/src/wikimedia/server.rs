//! The server of Wikimedia Enterprise: its paths, and what it and its pool keep.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde::Serialize;

use super::binding::Bound;
use super::pool::{Codes, Session};
use super::refusal::{INTERNAL, Refusal, internal_error};
use super::{Settings, bearer, login, password, signup};
use crate::account::Accounts;
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::jwt::{Algorithm, Mint};
use crate::operation::Operation;
use crate::simulator::Setup;
use crate::token_book::TokenBook;
use crate::wire;

const RESOURCE: &str = "/sim/echo";
const CONFIRM_USER: Operation = Operation::custom("confirm_user");
const RESEND_CONFIRM: Operation = Operation::custom("resend_confirm");
const STATUS: Operation = Operation::custom("status");

/// What this provider alone is asked.
pub(crate) const OPERATIONS: &[Operation] = &[CONFIRM_USER, RESEND_CONFIRM, STATUS];

/// The refreshes of one user name with one refresh token.
pub(super) struct Budget {
    pub(super) used: usize,
    pub(super) until_ms: i64,
}

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) mint: Mint,
    pub(super) sessions: HashMap<String, Session>,
    pub(super) recoveries: Codes,
    pub(super) confirmations: Codes,
    pub(super) budgets: HashMap<(String, String), Budget>,
    /// The access token that came with each ID token.
    pub(super) id_tokens: HashMap<String, String>,
    /// Access tokens that were made by a refresh.
    pub(super) refreshed: HashSet<String>,
    /// Until when a validated access token is remembered, in server milliseconds.
    pub(super) validated: HashMap<String, i64>,
    /// Sign-ins whose refresh token was revoked at the service's own endpoint.
    pub(super) revoked_families: HashSet<u64>,
}

impl Server {
    pub(super) fn new(settings: Settings, setup: &Setup) -> Self {
        let mint = Mint::new(setup.key(), Algorithm::Rs256).key_id("canary-pool-key");
        Self {
            settings,
            mint,
            sessions: HashMap::new(),
            recoveries: Codes::new(),
            confirmations: Codes::new(),
            budgets: HashMap::new(),
            id_tokens: HashMap::new(),
            refreshed: HashSet::new(),
            validated: HashMap::new(),
            revoked_families: HashSet::new(),
        }
    }

    fn carry_out(
        &mut self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<Response<Bytes>, Refusal> {
        let asked = Bound::of(request);
        match self.operation(request) {
            Operation::SIGN_IN => login::sign_in(self, &asked, cx),
            Operation::ANSWER => login::new_password(self, &asked, cx),
            Operation::REFRESH => login::refresh(self, &asked, cx),
            Operation::REVOKE => login::revoke(self, &asked, cx),
            Operation::FORGOT_PASSWORD => password::forgot(self, &asked, cx),
            Operation::CONFIRM_FORGOT_PASSWORD => password::confirm_forgot(self, &asked, cx),
            Operation::CHANGE_PASSWORD => password::change(&asked, cx),
            // No captcha is handed out, so no sign-up is a valid one.
            Operation::REGISTER => Err(Refusal::invalid()),
            Operation::WHO_AM_I => bearer::get_user(self, request, cx),
            Operation::RESOURCE => bearer::echo(self, request, cx),
            CONFIRM_USER => signup::confirm(self, &asked, cx),
            RESEND_CONFIRM => signup::resend(self, &asked, cx),
            STATUS => Ok(wire::empty(StatusCode::OK)),
            _ => {
                cx.refuse("not_found");
                Ok(no_route(request))
            }
        }
    }
}

/// A success in the service's own label.
pub(super) fn answer(body: &impl Serialize) -> Response<Bytes> {
    let mut response = wire::json(StatusCode::OK, body);
    let label = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, label);
    response
}

/// A path with a slash too many is sent to the one without it; a wrong method is no path.
fn no_route(request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path();
    let bare = path.strip_suffix('/').filter(|bare| named(request.method(), bare).is_some());
    let Some(bare) = bare else { return Refusal::not_found().response_to(request) };
    let mut response = wire::empty(match *request.method() {
        Method::GET => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::TEMPORARY_REDIRECT,
    });
    if let Ok(to) = HeaderValue::from_str(bare) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn named(method: &Method, path: &str) -> Option<Operation> {
    if path == RESOURCE && (method == Method::GET || method == Method::POST) {
        return Some(Operation::RESOURCE);
    }
    let name = path.strip_prefix("/v1/")?;
    if method == Method::GET {
        return (name == "status").then_some(STATUS);
    }
    if method != Method::POST {
        return None;
    }
    Some(match name {
        "login" => Operation::SIGN_IN,
        "token-refresh" => Operation::REFRESH,
        "token-revoke" => Operation::REVOKE,
        "forgot-password" => Operation::FORGOT_PASSWORD,
        "forgot-password-confirm" => Operation::CONFIRM_FORGOT_PASSWORD,
        "change-password" => Operation::CHANGE_PASSWORD,
        "new-password-required" => Operation::ANSWER,
        "create-user" => Operation::REGISTER,
        "confirm-user" => CONFIRM_USER,
        "resend-confirm" => RESEND_CONFIRM,
        "get-user" => Operation::WHO_AM_I,
        _ => return None,
    })
}

/// What the service answers when its pool says no, or cannot be reached.
fn pool_is_down(operation: Operation) -> Refusal {
    // The library's text, with an address that is nobody else's business.
    let unreachable = "RequestError: send request failed\ncaused by: Post \
                       \"https://cognito-idp.us-east-1.amazonaws.com/\": dial tcp 10.0.14.7:443: i/o timeout";
    let text = match operation {
        Operation::SIGN_IN => "Incorrect username or password.",
        Operation::REFRESH | Operation::ANSWER => "Unauthorized.",
        Operation::REVOKE => "Unauthorized",
        Operation::FORGOT_PASSWORD => INTERNAL,
        RESEND_CONFIRM => "User not found.",
        Operation::CONFIRM_FORGOT_PASSWORD | Operation::WHO_AM_I | Operation::RESOURCE => {
            unreachable
        }
        _ => return Refusal::internal("fault"),
    };
    Refusal::unauthorized(text, "fault")
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "wikimedia"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        named(request.method(), request.uri().path()).unwrap_or(Operation::UNKNOWN)
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        self.carry_out(request, cx).unwrap_or_else(|refusal| {
            cx.refuse(refusal.word);
            refusal.response_to(request)
        })
    }

    fn forget(&mut self, tokens: &TokenBook, now_ms: i64) {
        let families = tokens.families();
        self.id_tokens.retain(|_, access| tokens.has_access(access));
        self.refreshed.retain(|access| tokens.has_access(access));
        self.revoked_families.retain(|family| families.contains(family));
        self.validated.retain(|_, until| now_ms < *until);
    }

    fn fields(&self) -> Fields {
        Fields { access_tokens: &["access_token"], expiries: &["expires_in"] }
    }

    fn failure(&self, operation: Operation, kind: Failure) -> Response<Bytes> {
        match kind {
            Failure::Internal => internal_error(self.settings.internal_form),
            // Of a proxy or of the data APIs: the service itself knows only the 429 of the budget.
            Failure::Throttled => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                Refusal::new(status, "Too Many Requests", "fault").response()
            }
            Failure::Unauthorized
                if operation == Operation::RESOURCE || operation == Operation::WHO_AM_I =>
            {
                let text = "NotAuthorizedException: Access Token has been revoked";
                Refusal::unauthorized(text, "fault").response()
            }
            Failure::Unauthorized => pool_is_down(operation).response(),
            Failure::Unavailable if self.settings.pool_outage => pool_is_down(operation).response(),
            Failure::Unavailable => {
                let page = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>";
                wire::html(StatusCode::SERVICE_UNAVAILABLE, page)
            }
        }
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("RESOURCE", RESOURCE.to_owned()),
            ("REFRESH_BUDGET", self.settings.budget.to_string()),
        ];
        if let Some(account) = accounts.first() {
            pairs.push(("IDENTITY", account.identity.clone()));
            pairs.push(("PASSWORD", account.password.clone()));
        }
        if let Some(account) = accounts.iter().find(|account| account.must_change_password) {
            let temporary = account.temporary_password.as_ref().unwrap_or(&account.password);
            pairs.push(("INVITED_IDENTITY", account.identity.clone()));
            pairs.push(("INVITED_TEMPORARY_PASSWORD", temporary.clone()));
        }
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
