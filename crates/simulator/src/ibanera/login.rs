//! Signing in with password and code, the lockout, and the renewal that a setting switches on.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::server::Server;
use super::wire::{FieldError, Seconds, SignedIn, failure, success};
use crate::context::Context;
use crate::token_book::Worth;
use crate::wire;

/// What the vendor's sample names as the step at fault; only the key is documented, not its values.
const STEP: &str = "Login";
const REQUIRED: &str = "Required";
const INCORRECT: &str = "Username_Or_Password_Incorrect";
const NOT_VERIFIED: &str = "Account_Not_Verified";
const LOCKED: &str = "Account_Locked";
const SUPPRESSED: &str = "Account_Suppressed";

/// A refusal: the word for records, and the errors of the envelope.
struct Refused(&'static str, Vec<FieldError>);

impl Refused {
    fn code(word: &'static str, message_code: &str) -> Self {
        Self(word, vec![FieldError::new(STEP, message_code)])
    }
}

pub(super) fn sign_in(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Response<Bytes> {
    match identified(server, request, cx) {
        Ok(identity) => {
            let family = cx.tokens.new_family();
            success(signed_in(
                server,
                cx,
                &identity,
                family,
                server.settings.refresh_life.is_some(),
            ))
        }
        Err(Refused(word, errors)) => {
            cx.refuse(word);
            failure(server.settings.error_status, errors)
        }
    }
}

/// The refresh token stays as it is. Refusals are not documented: 401 without a body.
pub(super) fn refresh(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Response<Bytes> {
    let body = json_body(request);
    let token = body.get("refreshToken").and_then(Value::as_str).unwrap_or_default();
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let known = entry.map(|entry| (entry.account.clone(), entry.family));
    match known {
        Some((identity, family)) if worth == Worth::Good => {
            cx.tokens.redeem(token, cx.now_ms, false);
            success(signed_in(server, cx, &identity, family, false))
        }
        _ => {
            cx.refuse("dead_refresh_token");
            wire::empty(StatusCode::UNAUTHORIZED)
        }
    }
}

fn identified(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<String, Refused> {
    let body = json_body(request);
    // A code sent as a number has lost its leading zeros: not a code.
    let text =
        |name| body.get(name).and_then(Value::as_str).filter(|value: &&str| !value.is_empty());
    let (Some(identity), Some(password), Some(code)) =
        (text("username"), text("password"), text("otp"))
    else {
        let missing =
            ["username", "password", "otp"].into_iter().filter(|name| text(name).is_none());
        return Err(Refused(
            "required",
            missing.map(|name| FieldError::new(name, REQUIRED)).collect(),
        ));
    };
    cx.about(identity);
    let now_ms = cx.now_ms;
    let Some(account) = cx.accounts.get(identity) else {
        return Err(Refused::code("unknown_account", INCORRECT));
    };
    if account.is_locked_out(now_ms) {
        return Err(Refused::code("account_locked", LOCKED));
    }
    if account.password != password {
        return Err(failed(server, cx, identity, "wrong_password"));
    }
    let last_step = account.last_code_step;
    let Some(step) = server.step_of(cx, identity, code) else {
        return Err(failed(server, cx, identity, "wrong_code"));
    };
    if !server.settings.reuse_at_sign_in && last_step.is_some_and(|last| step <= last) {
        return Err(failed(server, cx, identity, "code_reused"));
    }
    let Some(account) = cx.accounts.get_mut(identity) else {
        return Err(Refused::code("unknown_account", INCORRECT));
    };
    if let Some(codes) = account.attributes.get("message_codes") {
        let errors = codes.split(',').map(|code| FieldError::new(STEP, code.trim())).collect();
        return Err(Refused("message_codes", errors));
    }
    if account.disabled {
        return Err(Refused::code("account_suppressed", SUPPRESSED));
    }
    if account.unverified {
        return Err(Refused::code("account_not_verified", NOT_VERIFIED));
    }
    account.failed_attempts = 0;
    account.last_code_step = account.last_code_step.max(Some(step));
    cx.secret(password);
    cx.secret(code);
    Ok(identity.to_owned())
}

/// Counts a failed attempt. A wrong code has no message code of its own in the vendor's list.
fn failed(server: &Server, cx: &mut Context<'_>, identity: &str, word: &'static str) -> Refused {
    let locked_until_ms = cx.after(server.settings.lockout_time);
    if let Some(account) = cx.accounts.get_mut(identity) {
        account.failed_attempts += 1;
        if account.failed_attempts >= server.settings.lockout_failures {
            account.failed_attempts = 0;
            account.locked_until_ms = Some(locked_until_ms);
        }
    }
    Refused::code(word, INCORRECT)
}

fn signed_in(
    server: &Server,
    cx: &mut Context<'_>,
    identity: &str,
    family: u64,
    with_refresh: bool,
) -> SignedIn {
    let settings = &server.settings;
    let expires_at_ms = cx.after(settings.access_life);
    let claims = json!({
        "sub": identity,
        "jti": cx.random.uuid(),
        "iat": cx.now_s(),
        "exp": expires_at_ms.div_euclid(1000),
    });
    let access_token = server.mint.mint(&claims);
    cx.issue_access(&access_token, identity, family, expires_at_ms);
    let refresh_life = settings.refresh_life.filter(|_| with_refresh);
    let refresh_token = refresh_life.map(|life| {
        let token = cx.random.token();
        cx.issue_refresh(&token, identity, family, cx.after(life));
        token
    });
    let seconds = |seconds: u64| match settings.life_as_text {
        false => Seconds::Number(seconds),
        true => Seconds::Text(seconds.to_string()),
    };
    SignedIn {
        access_token,
        expires_in: seconds(settings.access_life.as_secs()),
        refresh_token,
        refresh_token_expires_in: refresh_life.map(|life| seconds(life.as_secs())),
    }
}

fn json_body(request: &Request<Bytes>) -> Value {
    match wire::is_of_type(request.headers(), "application/json") {
        true => serde_json::from_slice(request.body()).unwrap_or_default(),
        false => Value::Null,
    }
}
