//! The password flow, `/auth/…`.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::policy;
use super::refusal::Cause;
use super::server::Server;
use super::wire::{
    ChangePassword, ConfirmForgotPassword, ForgotPassword, Refreshed, SignIn, SignUp, SignedIn,
    WithRefreshToken, body,
};
use crate::account::{Account, AccountKind};
use crate::context::Context;
use crate::token_book::Worth;
use crate::wire;

type Answer = Result<Response<Bytes>, Cause>;

pub(super) fn sign_in(server: &Server, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: SignIn = body(request).ok_or(Cause::BadRequest)?;
    cx.about(&asked.email);
    let (now_ms, blocked_until_ms) =
        (cx.now_ms, server.settings.block.map(|(_, time)| cx.after(time)));
    let account = user(cx, &asked.email).ok_or(Cause::UnknownEmail)?;
    if account.disabled || account.is_locked_out(now_ms) {
        return Err(Cause::AccountBlocked);
    }
    if account.password.is_empty() || account.password != asked.password {
        count_failure(
            account,
            server.settings.block.map(|(failures, _)| failures),
            blocked_until_ms,
        );
        return Err(Cause::WrongPassword);
    }
    account.failed_attempts = 0;
    cx.secret(&asked.password);
    Ok(signed_in(server, cx, &asked.email))
}

pub(super) fn sign_up(server: &Server, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: SignUp = body(request).ok_or(Cause::BadRequest)?;
    cx.about(&asked.email);
    let new_password = asked.new_password.ok_or(Cause::BadRequest)?;
    // The vendor documents no other status than 400 here.
    let unknown = Cause::TemporaryPassword;
    redeem_temporary_password(cx, &asked.email, &asked.temporary_password, &new_password, unknown)?;
    Ok(signed_in(server, cx, &asked.email))
}

/// The refresh token stays as it is; its end too.
pub(super) fn refresh(server: &Server, request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: WithRefreshToken = body(request).ok_or(Cause::BadRequest)?;
    let (account, family) =
        live_refresh_token(cx, &asked.refresh_token).ok_or(Cause::DeadAtRefresh)?;
    cx.tokens.redeem(&asked.refresh_token, cx.now_ms, false);
    let (access_token, expires_at) = access_token(server, cx, &account, family);
    Ok(wire::json(StatusCode::OK, &Refreshed { access_token, expires_at }))
}

/// The access tokens that were made from the refresh token end with it.
pub(super) fn revoke(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: WithRefreshToken = body(request).ok_or(Cause::BadRequest)?;
    let (_, family) = live_refresh_token(cx, &asked.refresh_token).ok_or(Cause::DeadAtRevoke)?;
    cx.tokens.revoke_family(family);
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

pub(super) fn change_password(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Answer {
    let form = server.settings.change_password;
    let token = server.authorised(request, cx, form).map_err(|_| Cause::TokenRefusedEmpty)?;
    let asked: ChangePassword = body(request).ok_or(Cause::BadRequest)?;
    let account = user(cx, &token.account).ok_or(Cause::TokenRefusedEmpty)?;
    if account.password != asked.previous_password {
        return Err(Cause::WrongPreviousPassword);
    }
    if !policy::allows(&asked.proposed_password) {
        return Err(Cause::PasswordPolicy);
    }
    account.password.clone_from(&asked.proposed_password);
    cx.secret(&asked.proposed_password);
    if server.settings.change_revokes {
        cx.tokens.revoke_account(&token.account, true);
    }
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// Sends a temporary password; the old one stays good until it is replaced.
pub(super) fn forgot_password(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: ForgotPassword = body(request).ok_or(Cause::BadRequest)?;
    cx.about(&asked.email);
    let temporary = cx.random.password();
    let account = user(cx, &asked.email).ok_or(Cause::UnknownEmailEmpty)?;
    account.temporary_password = Some(temporary.clone());
    cx.deliver(&asked.email, &temporary);
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

pub(super) fn confirm_forgot_password(request: &Request<Bytes>, cx: &mut Context<'_>) -> Answer {
    let asked: ConfirmForgotPassword = body(request).ok_or(Cause::BadRequest)?;
    cx.about(&asked.email);
    let unknown = Cause::UnknownEmailEmpty;
    redeem_temporary_password(
        cx,
        &asked.email,
        &asked.temporary_password,
        &asked.new_password,
        unknown,
    )?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// A temporary password is good for one new password; a refused new password does not spend it.
fn redeem_temporary_password(
    cx: &mut Context<'_>,
    email: &str,
    temporary: &str,
    new: &str,
    unknown: Cause,
) -> Result<(), Cause> {
    let account = user(cx, email).ok_or(unknown)?;
    if account.disabled || account.locked {
        return Err(Cause::AccountBlocked);
    }
    if account.temporary_password.as_deref() != Some(temporary) {
        return Err(Cause::TemporaryPassword);
    }
    if !policy::allows(new) {
        return Err(Cause::PasswordPolicy);
    }
    account.temporary_password = None;
    new.clone_into(&mut account.password);
    account.failed_attempts = 0;
    account.locked_until_ms = None;
    cx.secret(new);
    Ok(())
}

fn user<'a>(cx: &'a mut Context<'_>, email: &str) -> Option<&'a mut Account> {
    cx.accounts.get_mut(email).filter(|account| account.kind == AccountKind::User)
}

fn count_failure(account: &mut Account, allowed: Option<u32>, blocked_until_ms: Option<i64>) {
    account.failed_attempts += 1;
    if allowed.is_some_and(|allowed| account.failed_attempts >= allowed) {
        account.failed_attempts = 0;
        account.locked_until_ms = blocked_until_ms;
    }
}

fn live_refresh_token(cx: &mut Context<'_>, token: &str) -> Option<(String, u64)> {
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let (account, family) = entry.map(|entry| (entry.account.clone(), entry.family))?;
    cx.about(&account);
    (worth == Worth::Good).then_some((account, family))
}

fn signed_in(server: &Server, cx: &mut Context<'_>, email: &str) -> Response<Bytes> {
    let family = cx.tokens.new_family();
    let (access_token, access_token_expires_at) = access_token(server, cx, email, family);
    let expires_at_ms = cx.after(server.settings.refresh_life);
    let refresh_token_expires_at = expires_at_ms.div_euclid(1000);
    let refresh_token = mint(server, cx, email, "refresh", refresh_token_expires_at);
    cx.issue_refresh(&refresh_token, email, family, expires_at_ms);
    let answer =
        SignedIn { access_token, access_token_expires_at, refresh_token, refresh_token_expires_at };
    wire::json(StatusCode::OK, &answer)
}

fn access_token(server: &Server, cx: &mut Context<'_>, email: &str, family: u64) -> (String, i64) {
    let expires_at_ms = cx.after(server.settings.access_life);
    let expires_at = expires_at_ms.div_euclid(1000);
    let token = mint(server, cx, email, "access", expires_at);
    cx.issue_access(&token, email, family, expires_at_ms);
    (token, expires_at)
}

/// The claims of the vendor's own sample: no `iat`, `iss` or `sub`.
fn mint(server: &Server, cx: &mut Context<'_>, email: &str, kind: &str, exp: i64) -> String {
    let id = cx.random.uuid();
    let claims = json!({ "exp": exp, "ID": id, "Type": kind, "UserID": email, "Permissions": [], "Pool": "IBEX_HUB" });
    server.mint.mint(&claims)
}
