//! Recovery by a code, and the change of a password with the access token in the body.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::binding::Bound;
use super::pool::{self, Code, PoolError};
use super::refusal::{INTERNAL, Refusal};
use super::server::Server;
use super::tokens::email;
use crate::context::Context;
use crate::record::AuthVerdict;
use crate::wire;

const RECOVERY_MS: i64 = 3_600_000;

/// An address is resolved to its user; that there is none is told, unlike for a name.
pub(super) fn forgot(
    server: &mut Server,
    asked: &Bound,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = asked.username()?;
    let identity = match name.contains('@') {
        true => of_address(cx, name)
            .ok_or_else(|| Refusal::unauthorized("User not found.", "unknown_address"))?,
        false => pool::typed(server, cx, name)
            .ok_or_else(|| Refusal::unauthorized(INTERNAL, "unknown_account"))?,
    };
    cx.about(&identity);
    let Some(account) = cx.accounts.get(&identity) else { return Err(Refusal::invalid()) };
    if account.disabled || account.unverified {
        return Err(Refusal::unauthorized(INTERNAL, "may_not_recover"));
    }
    let text = cx.random.digits(6);
    cx.deliver(&identity, &text);
    let expires_at_ms = cx.now_ms.saturating_add(RECOVERY_MS);
    server.recoveries.insert(identity, Code { text, expires_at_ms, wrong: 0 });
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// The one endpoint that shows the pool's own text.
pub(super) fn confirm_forgot(
    server: &mut Server,
    asked: &Bound,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = asked.username()?;
    let password = asked.text("password", 1, 255)?;
    let code = asked.text("confirmation_code", 1, 2048)?;
    recovered(server, cx, name, password, code)
        .map_err(|error| Refusal::unauthorized(error.text(), error.word))?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// One text for four causes: previous password, new password, token, user.
pub(super) fn change(asked: &Bound, cx: &mut Context<'_>) -> Result<Response<Bytes>, Refusal> {
    let token = asked.text("access_token", 1, usize::MAX)?;
    let previous = asked.text("previous_password", 6, 256)?;
    let proposed = asked.text("proposed_password", 6, 256)?;
    changed(cx, token, previous, proposed).map_err(|error| match error.name.as_str() {
        "InvalidPasswordException" | "NotAuthorizedException" | "UserNotFoundException" => {
            Refusal::unauthorized("Incorrect username or password.", error.word)
        }
        _ => Refusal::internal(error.word),
    })?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// The user of an address.
pub(super) fn of_address(cx: &Context<'_>, address: &str) -> Option<String> {
    let found = cx.accounts.iter().find(|account| email(account).eq_ignore_ascii_case(address));
    found.map(|account| account.identity.clone())
}

fn recovered(
    server: &mut Server,
    cx: &mut Context<'_>,
    name: &str,
    password: &str,
    code: &str,
) -> Result<(), PoolError> {
    let identity = pool::typed(server, cx, name).ok_or_else(|| {
        let text = "Username/client id combination not found.";
        PoolError::new("UserNotFoundException", text, "unknown_account")
    })?;
    cx.about(&identity);
    cx.accounts.get(&identity).map_or(Ok(()), pool::forced)?;
    let sent = server.recoveries.get_mut(&identity).filter(|sent| cx.now_ms < sent.expires_at_ms);
    let Some(sent) = sent else {
        let text = "Invalid code provided, please request a code again.";
        return Err(PoolError::new("ExpiredCodeException", text, "code_expired"));
    };
    if sent.wrong >= pool::MOST_CODES {
        let text = "Too many failed attempts, please try again later.";
        return Err(PoolError::new("TooManyFailedAttemptsException", text, "too_many_codes"));
    }
    if sent.text != code {
        sent.wrong += 1;
        let text = "Invalid verification code provided, please try again.";
        return Err(PoolError::new("CodeMismatchException", text, "wrong_code"));
    }
    pool::check_policy(password)?;
    server.recoveries.remove(&identity);
    cx.secret(password);
    if let Some(account) = cx.accounts.get_mut(&identity) {
        account.choose_password(password);
        account.attributes.remove("reset_required");
        account.failed_attempts = 0;
        account.locked_until_ms = None;
    }
    Ok(())
}

fn changed(
    cx: &mut Context<'_>,
    token: &str,
    previous: &str,
    proposed: &str,
) -> Result<(), PoolError> {
    let token = cx.check_access(token).map_err(|verdict| {
        let text = match verdict {
            AuthVerdict::Expired => "Access Token has expired",
            AuthVerdict::Revoked => "Access Token has been revoked",
            _ => "Invalid Access Token",
        };
        PoolError::not_authorized(text, "token_refused")
    })?;
    let Some(account) = cx.accounts.get_mut(&token.account) else {
        let text = "User does not exist.";
        return Err(PoolError::new("UserNotFoundException", text, "unknown_account"));
    };
    pool::standing(account)?;
    if account.attributes.contains_key("change_limit") {
        let text = "Attempt limit exceeded, please try after some time.";
        return Err(PoolError::new("LimitExceededException", text, "limit_exceeded"));
    }
    if account.password != previous {
        return Err(PoolError::not_authorized("Incorrect username or password.", "wrong_password"));
    }
    pool::check_policy(proposed)?;
    proposed.clone_into(&mut account.password);
    cx.secret(proposed);
    Ok(())
}
