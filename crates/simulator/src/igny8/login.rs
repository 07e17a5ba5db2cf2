//! Signing in, refreshing and logging out.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value, json};

use super::envelope::{FieldErrors, Refusal, add, success};
use super::server::{Asked, Server};
use super::{RefreshAnswer, tokens};
use crate::account::Account;
use crate::context::Context;
use crate::limit;
use crate::token_book::{Access, Worth};

pub(super) fn sign_in(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let (email, password) = required_pair(asked, "email", "password")?;
    cx.about(email);
    let wrong = |word| Refusal::new(StatusCode::UNAUTHORIZED, "Invalid credentials", word);
    let account = cx.accounts.get(email).ok_or_else(|| wrong("unknown_account"))?;
    if account.password.is_empty() || account.password != password {
        return Err(wrong("wrong_password"));
    }
    standing(server, account)?;
    let user = user(account);
    cx.secret(password);
    let family = cx.tokens.new_family();
    let mut data = tokens::issue(server, cx, email, family, true);
    data.insert("user".to_owned(), user);
    let mut response = success(StatusCode::OK, &data, &cx.random.uuid());
    // The sign-in opens a session of Django too.
    let session = cx.random.token();
    cx.secret(&session);
    let cookie = format!("sessionid={session}; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    server.sessions.insert(session, (email.to_owned(), cx.now_ms));
    limit::keep_youngest(&mut server.sessions, |(_, since_ms)| *since_ms);
    Ok(response)
}

pub(super) fn refresh(
    server: &Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = server.settings.refresh_field.as_str();
    let token = asked.text(name).ok_or_else(|| missing(asked, &[name]))?;
    let dead = || {
        let text = "Invalid or expired refresh token";
        Refusal::new(server.settings.dead_refresh, text, "dead_refresh_token")
    };
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let entry = entry.cloned().ok_or_else(dead)?;
    cx.about(&entry.account);
    let blacklists = server.settings.refresh_answer == RefreshAnswer::BothAndBlacklist;
    if blacklists && entry.spent_at_ms.is_some() {
        cx.spent_refresh_token();
        return Err(dead());
    }
    if worth != Worth::Good {
        return Err(dead());
    }
    standing(server, cx.accounts.get(&entry.account).ok_or_else(dead)?)?;
    cx.tokens.redeem(token, cx.now_ms, blacklists);
    let with_refresh = server.settings.refresh_answer != RefreshAnswer::AccessOnly;
    let data = tokens::issue(server, cx, &entry.account, entry.family, with_refresh);
    Ok(success(StatusCode::OK, &data, &cx.random.uuid()))
}

/// Ends the tokens of the sign-in whose access token was presented.
pub(super) fn logout(token: &Access, cx: &mut Context<'_>) -> Response<Bytes> {
    cx.tokens.revoke_family(token.family);
    let data = json!({ "message": "Logged out successfully" });
    success(StatusCode::OK, &data, &cx.random.uuid())
}

/// Refuses an account that may not use the API. The texts are not documented.
pub(super) fn standing(server: &Server, account: &Account) -> Result<(), Refusal> {
    let status = server.settings.suspended;
    if account.disabled || account.locked {
        return Err(Refusal::new(status, "Account is suspended", "account_suspended"));
    }
    if account.attributes.get("plan").is_some_and(|plan| plan == "none") {
        return Err(Refusal::new(status, "No active plan", "no_plan"));
    }
    Ok(())
}

/// Two fields, or a message for each that is missing.
pub(super) fn required_pair<'a>(
    asked: &'a Asked,
    one: &str,
    other: &str,
) -> Result<(&'a str, &'a str), Refusal> {
    match (asked.text(one), asked.text(other)) {
        (Some(one), Some(other)) => Ok((one, other)),
        _ => Err(missing(asked, &[one, other])),
    }
}

pub(super) fn missing(asked: &Asked, names: &[&str]) -> Refusal {
    let mut errors = FieldErrors::new();
    for name in names.iter().filter(|name| asked.text(name).is_none()) {
        add(&mut errors, name, asked.why_not(name));
    }
    Refusal::validation(errors)
}

/// The user as a sign-in and a registration tell it.
pub(super) fn user(account: &Account) -> Value {
    let attribute = |name: &str, otherwise: &str| {
        Value::from(account.attributes.get(name).map_or(otherwise, String::as_str))
    };
    let mut user = Map::new();
    user.insert("id".to_owned(), Value::from(tokens::number(account, "user_id", 1)));
    user.insert("email".to_owned(), Value::from(account.identity.as_str()));
    user.insert("username".to_owned(), attribute("username", &account.identity));
    user.insert("role".to_owned(), attribute("role", "owner"));
    let id = tokens::number(account, "account_id", 7);
    user.insert("account".to_owned(), json!({ "id": id, "name": "Studio", "slug": "studio" }));
    Value::Object(user)
}
