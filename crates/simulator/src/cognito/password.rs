//! New passwords: recovery by a code, and a change by the signed-in user.

use std::collections::HashMap;

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::sign_in::typed_user;
use super::wire::{Asked, required};
use super::{policy, tokens, users, wire};
use crate::context::Context;

/// A recovery code that was sent.
pub(super) struct Recovery {
    code: String,
    expires_at_ms: i64,
    wrong: u32,
}

/// The recovery codes by identity; a new one replaces the one before.
pub(super) type Recoveries = HashMap<String, Recovery>;

pub(super) fn forgot(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let name = required(&asked.username, "username")?;
    client.check_hash(asked.secret_hash.as_deref(), &[name])?;
    let delivery =
        |address: &str| wire::ok(&json!({ "CodeDeliveryDetails": users::delivery(address) }));
    let identity = match named_user(server, cx, name, || Refusal::incorrect("unknown_user")) {
        Ok(identity) => identity,
        // A simulated delivery: nothing is sent.
        Err(_) if server.settings.hide_unknown_users => return Ok(delivery(name)),
        Err(refusal) => return Err(refusal),
    };
    users::forced(cx, &identity, "ForgotPassword")?;
    if let Some(account) = cx.accounts.get(&identity) {
        if account.disabled || account.locked {
            return Err(Refusal::not_authorized("User is disabled.", "user_disabled"));
        }
        if account.unverified {
            let text = "Cannot reset password for the user as there is no registered/verified email or phone_number";
            return Err(Refusal::invalid_parameter(text, "user_not_confirmed"));
        }
    }
    server.limits.attempt(server.settings.attempts, &identity, cx.now_ms)?;
    let code = cx.random.digits(6);
    cx.deliver(&identity, &code);
    let expires_at_ms = cx.after(server.settings.recovery_life);
    let answer = delivery(&identity);
    server.recoveries.insert(identity, Recovery { code, expires_at_ms, wrong: 0 });
    Ok(answer)
}

pub(super) fn confirm_forgot(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let name = required(&asked.username, "username")?;
    let code = required(&asked.confirmation_code, "confirmationCode")?;
    let password = required(&asked.password, "password")?;
    client.check_hash(asked.secret_hash.as_deref(), &[name])?;
    let identity = named_user(server, cx, name, mismatch)?;
    users::forced(cx, &identity, "ConfirmForgotPassword")?;
    let disabled = cx.accounts.get(&identity).is_some_and(|account| account.disabled);
    if disabled && server.settings.hide_unknown_users {
        return Err(mismatch());
    }
    let recovery = server.recoveries.get_mut(&identity).ok_or_else(expired)?;
    if cx.now_ms >= recovery.expires_at_ms {
        return Err(expired());
    }
    if recovery.wrong >= server.settings.recovery_attempts {
        let text = "Too many failed attempts, please try again later.";
        return Err(Refusal::new("TooManyFailedAttemptsException", text, "too_many_codes"));
    }
    if recovery.code != code {
        recovery.wrong += 1;
        server.limits.attempt(server.settings.attempts, &identity, cx.now_ms)?;
        return Err(mismatch());
    }
    // A refused password does not spend the code.
    policy::check(&server.settings, password)?;
    server.recoveries.remove(&identity);
    cx.secret(password);
    if let Some(account) = cx.accounts.get_mut(&identity) {
        account.choose_password(password);
        account.attributes.remove("reset_required");
        account.failed_attempts = 0;
        account.locked_until_ms = None;
    }
    Ok(wire::done())
}

pub(super) fn change(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let proposed = required(&asked.proposed_password, "proposedPassword")?;
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "ChangePassword")?;
    let Some(account) = cx.accounts.get_mut(&token.account) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    users::standing(account)?;
    // Only a user without a password may leave the previous one out.
    if asked.previous_password.as_deref().unwrap_or_default() != account.password {
        server.limits.attempt(server.settings.attempts, &token.account, cx.now_ms)?;
        return Err(Refusal::incorrect("wrong_password"));
    }
    policy::check(&server.settings, proposed)?;
    proposed.clone_into(&mut account.password);
    cx.secret(proposed);
    Ok(wire::done())
}

/// The user of a name typed, by one who is not signed in and not about to be.
///
/// # Errors
/// `UserNotFoundException`, where existence is not hidden; else `hidden`.
pub(super) fn named_user(
    server: &Server,
    cx: &mut Context<'_>,
    name: &str,
    hidden: fn() -> Refusal,
) -> Result<String, Refusal> {
    typed_user(server, cx, name, hidden).map_err(|refusal| match refusal.word() {
        "unknown_user" if !server.settings.hide_unknown_users => {
            let text = "Username/client id combination not found.";
            Refusal::new("UserNotFoundException", text, "unknown_user")
        }
        _ => refusal,
    })
}

/// A code was asked for too long ago, or never.
pub(super) fn expired() -> Refusal {
    let text = "Invalid code provided, please request a code again.";
    Refusal::new("ExpiredCodeException", text, "code_expired")
}

/// A code is wrong, or by setting its user unknown.
pub(super) fn mismatch() -> Refusal {
    let text = "Invalid verification code provided, please try again.";
    Refusal::new("CodeMismatchException", text, "wrong_code")
}
