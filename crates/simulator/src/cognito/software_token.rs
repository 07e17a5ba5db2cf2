//! Time-based codes: their use as a second factor, and setting them up.
//!
//! A verified secret is the user's second factor once `SetUserMFAPreference` says so, or at once inside `MFA_SETUP`.

use bytes::Bytes;
use data_encoding::BASE32_NOPAD;
use http::Response;
use serde_json::json;

use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Enrolment, Session, foreign};
use super::wire::{Asked, required};
use super::{factors, tokens, users, wire};
use crate::context::Context;
use crate::totp::base32_key;

/// Takes the code of the user's second factor; the code of a time step is taken once, and none of an earlier step after
/// it.
///
/// # Errors
/// `CodeMismatchException` for a wrong code, `ExpiredCodeException` for a used one.
pub(super) fn take_code(
    server: &Server,
    cx: &mut Context<'_>,
    identity: &str,
    code: &str,
) -> Result<(), Refusal> {
    let account = cx.accounts.get(identity);
    let Some(key) = account.and_then(|account| base32_key(account.totp_secret.as_deref()?)) else {
        let text = "Software token MFA is not set up for the user.";
        return Err(Refusal::new("SoftwareTokenMFANotFoundException", text, "not_enrolled"));
    };
    let Some(step) = server.settings.totp.matching_step(&key, code, cx.now_ms) else {
        let text = "Invalid code received for user";
        return Err(Refusal::new("CodeMismatchException", text, "wrong_code"));
    };
    if let Some(account) = cx.accounts.get_mut(identity) {
        if account.last_code_step.is_some_and(|last| step <= last) {
            let text = "Your software token has already been used once.";
            return Err(Refusal::new("ExpiredCodeException", text, "code_reused"));
        }
        account.last_code_step = Some(step);
    }
    cx.secret(code);
    Ok(())
}

/// Hands out a new shared secret, to a signed-in user or inside an `MFA_SETUP` challenge.
pub(super) fn associate(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let secret = BASE32_NOPAD.encode(&cx.random.block());
    let enrolment = Enrolment { secret: secret.clone(), verified: false };
    if let Some(session) = asked.session()? {
        let next = moved_on(server, cx, session, enrolment, "AssociateSoftwareToken")?;
        cx.secret(&secret);
        return Ok(wire::ok(&json!({ "SecretCode": secret, "Session": next })));
    }
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "AssociateSoftwareToken")?;
    cx.secret(&secret);
    server.enrolments.insert(token.account, enrolment);
    Ok(wire::ok(&json!({ "SecretCode": secret })))
}

/// Takes the first code of the new secret.
pub(super) fn verify(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let code = required(&asked.user_code, "userCode")?;
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = "1 validation error detected: Value at 'userCode' failed to satisfy constraint: Member must satisfy \
                    regular expression pattern: [0-9]+ and have length 6";
        return Err(Refusal::invalid_parameter(text, "malformed_code"));
    }
    if let Some(text) = asked.session()? {
        let session = server.sessions.live(text, cx.now_ms)?;
        let enrolment = match &session.awaited {
            Awaited::Enrolment(enrolment) => Some(enrolment),
            _ => None,
        };
        let secret = verified(server, cx, &session.course.identity, enrolment, code)?;
        let enrolment = Enrolment { secret, verified: true };
        let next = moved_on(server, cx, text, enrolment, "VerifySoftwareToken")?;
        return Ok(wire::ok(&json!({ "Status": "SUCCESS", "Session": next })));
    }
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "VerifySoftwareToken")?;
    verified(server, cx, &token.account, server.enrolments.get(&token.account), code)?;
    server.enrolments.remove(&token.account);
    Ok(wire::ok(&json!({ "Status": "SUCCESS" })))
}

/// Checks the code and gives the account the secret; answers it.
fn verified(
    server: &Server,
    cx: &mut Context<'_>,
    identity: &str,
    enrolment: Option<&Enrolment>,
    code: &str,
) -> Result<String, Refusal> {
    let key = enrolment.and_then(|enrolment| base32_key(&enrolment.secret));
    let step = key.and_then(|key| server.settings.totp.matching_step(&key, code, cx.now_ms));
    let (Some(step), Some(enrolment)) = (step, enrolment) else {
        return Err(Refusal::new("EnableSoftwareTokenMFAException", "Code mismatch", "wrong_code"));
    };
    cx.secret(code);
    if let Some(account) = cx.accounts.get_mut(identity) {
        factors::set_secret(account, &enrolment.secret, step);
    }
    Ok(enrolment.secret.clone())
}

/// The same challenge under a new session, with the enrolment as it is now; the old session is used up.
fn moved_on(
    server: &mut Server,
    cx: &mut Context<'_>,
    text: &str,
    enrolment: Enrolment,
    operation: &str,
) -> Result<String, Refusal> {
    let session = server.sessions.live(text, cx.now_ms)?;
    if session.challenge != "MFA_SETUP" {
        return Err(foreign());
    }
    cx.about(&session.course.identity);
    users::forced(cx, &session.course.identity, operation)?;
    server.sessions.close(text);
    let expires_at_ms = cx.after(server.settings.session_life);
    let next = Session { expires_at_ms, awaited: Awaited::Enrolment(enrolment), ..session };
    Ok(server.sessions.open(cx, next))
}
