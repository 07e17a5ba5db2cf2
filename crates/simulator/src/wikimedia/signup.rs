//! What follows a sign-up: confirming it by a code, and sending the code again.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::binding::Bound;
use super::pool::Code;
use super::refusal::Refusal;
use super::server::{Server, answer};
use super::tokens;
use crate::context::Context;
use crate::wire;

const CONFIRMATION_MS: i64 = 86_400_000;

/// Every exception of the pool is a 500 here.
pub(super) fn confirm(
    server: &mut Server,
    asked: &Bound,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = asked.username()?;
    let code = asked.text("confirmation_code", 1, 6)?;
    let sent = server.confirmations.get(name).filter(|sent| cx.now_ms < sent.expires_at_ms);
    if sent.is_none_or(|sent| sent.text != code) {
        return Err(Refusal::internal("wrong_code"));
    }
    let Some(account) = cx.accounts.get_mut(name) else {
        return Err(Refusal::internal("unknown_account"));
    };
    account.unverified = false;
    let body = json!({ "userId": tokens::sub(account), "email": tokens::email(account) });
    server.confirmations.remove(name);
    cx.about(name);
    cx.secret(code);
    Ok(answer(&body))
}

pub(super) fn resend(
    server: &mut Server,
    asked: &Bound,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = asked.username()?;
    let Some(account) = cx.accounts.get(name) else {
        return Err(Refusal::unauthorized("User not found.", "unknown_account"));
    };
    if !account.unverified {
        return Err(Refusal::unauthorized("Unauthorized.", "confirmed_already"));
    }
    cx.about(name);
    let text = cx.random.digits(6);
    cx.deliver(name, &text);
    let expires_at_ms = cx.now_ms.saturating_add(CONFIRMATION_MS);
    server.confirmations.insert(name.to_owned(), Code { text, expires_at_ms, wrong: 0 });
    Ok(wire::empty(StatusCode::NO_CONTENT))
}
