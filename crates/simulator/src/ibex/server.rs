//! The server of IBEX: its paths, its resource, and what both flows share.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::refusal::Cause;
use super::{HeaderForm, Settings, oauth, password_flow};
use crate::account::{AccountKind, Accounts};
use crate::behaviour::{Behaviour, Failure, Fields};
use crate::context::Context;
use crate::jwt::{Algorithm, Mint};
use crate::operation::Operation;
use crate::record::AuthVerdict;
use crate::simulator::Setup;
use crate::token_book::Access;
use crate::wire::{self, Echo};

const OAUTH_TOKEN: &str = "/oauth/token";

pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) mint: Mint,
}

impl Server {
    pub(super) fn new(settings: Settings, setup: &Setup) -> Self {
        Self { settings, mint: Mint::new(setup.key(), Algorithm::Rs256) }
    }

    /// The presented token, if it is good and in a form that this endpoint takes.
    pub(super) fn authorised(
        &self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
        form: HeaderForm,
    ) -> Result<Access, AuthVerdict> {
        let refused = match wire::header_text(request.headers(), "authorization") {
            None => AuthVerdict::Missing,
            Some(value) => match (value.strip_prefix("Bearer "), form) {
                (Some(token), HeaderForm::Bearer | HeaderForm::Both) => {
                    return cx.check_access(token);
                }
                (None, HeaderForm::Raw | HeaderForm::Both) => return cx.check_access(value),
                (Some(_), HeaderForm::Raw) | (None, HeaderForm::Bearer) => AuthVerdict::Malformed,
            },
        };
        cx.verdict(refused);
        Err(refused)
    }

    fn echo(
        &self,
        request: &Request<Bytes>,
        cx: &mut Context<'_>,
    ) -> Result<Response<Bytes>, Cause> {
        let token =
            self.authorised(request, cx, HeaderForm::Raw).map_err(|_| Cause::TokenRefused)?;
        let account = cx.accounts.get(&token.account);
        if account
            .and_then(|account| account.attributes.get("resource"))
            .is_some_and(|value| value == "forbidden")
        {
            return Err(Cause::NotAllowed);
        }
        Ok(wire::json(StatusCode::OK, &Echo::of(request, &token)))
    }
}

impl Behaviour for Server {
    fn provider(&self) -> &'static str {
        "ibex"
    }

    fn operation(&self, request: &Request<Bytes>) -> Operation {
        let path = request.uri().path();
        if path == "/sim/echo"
            && (request.method() == Method::GET || request.method() == Method::POST)
        {
            return Operation::RESOURCE;
        }
        if request.method() != Method::POST {
            return Operation::UNKNOWN;
        }
        match path {
            "/auth/signin" | OAUTH_TOKEN => Operation::SIGN_IN,
            "/auth/signup" => Operation::REGISTER,
            "/auth/refresh-access-token" => Operation::REFRESH,
            "/auth/revoke-refresh-token" => Operation::REVOKE,
            "/auth/change-password" => Operation::CHANGE_PASSWORD,
            "/auth/forgot-password" => Operation::FORGOT_PASSWORD,
            "/auth/confirm-forgot-password" => Operation::CONFIRM_FORGOT_PASSWORD,
            _ => Operation::UNKNOWN,
        }
    }

    fn handle(&mut self, request: &Request<Bytes>, cx: &mut Context<'_>) -> Response<Bytes> {
        let answer = match self.operation(request) {
            Operation::SIGN_IN if request.uri().path() == OAUTH_TOKEN => {
                return oauth::token(self, request, cx);
            }
            Operation::SIGN_IN => password_flow::sign_in(self, request, cx),
            Operation::REGISTER => password_flow::sign_up(self, request, cx),
            Operation::REFRESH => password_flow::refresh(self, request, cx),
            Operation::REVOKE => password_flow::revoke(request, cx),
            Operation::CHANGE_PASSWORD => password_flow::change_password(self, request, cx),
            Operation::FORGOT_PASSWORD => password_flow::forgot_password(request, cx),
            Operation::CONFIRM_FORGOT_PASSWORD => {
                password_flow::confirm_forgot_password(request, cx)
            }
            Operation::RESOURCE => self.echo(request, cx),
            _ => Err(Cause::NotFound),
        };
        answer.unwrap_or_else(|cause| {
            cx.refuse(cause.word());
            cause.response(&self.settings)
        })
    }

    fn fields(&self) -> Fields {
        Fields {
            access_tokens: &["accessToken", "access_token"],
            expiries: &["accessTokenExpiresAt", "refreshTokenExpiresAt", "expiresAt", "expires_in"],
        }
    }

    fn failure(&self, _operation: Operation, kind: Failure) -> Response<Bytes> {
        let cause = match kind {
            Failure::Internal => Cause::UnexpectedFailure,
            Failure::Throttled => Cause::Throttled,
            Failure::Unauthorized => Cause::TokenRefused,
            Failure::Unavailable => Cause::Unavailable,
        };
        cause.response(&self.settings)
    }

    fn describe(&self, accounts: &Accounts) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("RESOURCE", "/sim/echo".to_owned()),
            ("AUDIENCE", self.settings.audience.clone()),
        ];
        let users = || accounts.iter().filter(|account| account.kind == AccountKind::User);
        if let Some(user) = users().find(|user| !user.password.is_empty()) {
            pairs.push(("IDENTITY", user.identity.clone()));
            pairs.push(("PASSWORD", user.password.clone()));
        }
        if let Some(client) = accounts.iter().find(|account| account.kind == AccountKind::Client) {
            pairs.push(("CLIENT_ID", client.identity.clone()));
            pairs.push(("CLIENT_SECRET", client.password.clone()));
        }
        if let Some((identity, temporary)) =
            users().find_map(|user| Some((user.identity.clone(), user.temporary_password.clone()?)))
        {
            pairs.push(("INVITED_IDENTITY", identity));
            pairs.push(("INVITED_TEMPORARY_PASSWORD", temporary));
        }
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
