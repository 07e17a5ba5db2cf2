//! The two tokens and the forms in which answers tell them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::server::Server;
use super::{ExpiryForm, TokenNames};
use crate::account::Account;
use crate::context::Context;

/// Members of an answer's `data` with a new access token and, where asked, a new refresh token.
pub(super) fn issue(
    server: &Server,
    cx: &mut Context<'_>,
    identity: &str,
    family: u64,
    with_refresh: bool,
) -> Map<String, Value> {
    let settings = &server.settings;
    let mut members = Map::new();
    let mut tell = |short: &str, token: String, until_ms: i64| {
        let name = match settings.names {
            TokenNames::Long => format!("{short}_token"),
            TokenNames::Short => short.to_owned(),
        };
        members.insert(name, Value::from(token));
        if let Some(form) = settings.expiry_fields {
            members.insert(format!("{short}_expires_at"), expiry(form, until_ms));
        }
    };
    let until_ms = cx.after(settings.access_life);
    let access = mint(server, cx, identity, "access", until_ms);
    cx.issue_access(&access, identity, family, until_ms);
    tell("access", access, until_ms);
    if with_refresh {
        let until_ms = cx.after(settings.refresh_life);
        let refresh = mint(server, cx, identity, "refresh", until_ms);
        cx.issue_refresh(&refresh, identity, family, until_ms);
        tell("refresh", refresh, until_ms);
    }
    match settings.nested {
        false => members,
        true => Map::from_iter([("tokens".to_owned(), Value::Object(members))]),
    }
}

/// A number of the account's attributes.
pub(super) fn number(account: &Account, name: &str, otherwise: u64) -> u64 {
    account.attributes.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn mint(
    server: &Server,
    cx: &mut Context<'_>,
    identity: &str,
    kind: &str,
    until_ms: i64,
) -> String {
    let account = cx.accounts.get(identity).cloned().unwrap_or_default();
    let mut claims = json!({ "user_id": number(&account, "user_id", 1) });
    if let Some(until) = cx.expiry_claim(until_ms.div_euclid(1000)) {
        claims["exp"] = until;
    }
    // Without a number of its own, a token equals the one issued in the same second.
    if kind == "refresh" || !server.settings.bare_claims {
        claims["account_id"] = Value::from(number(&account, "account_id", 7));
        claims["email"] = Value::from(identity);
        claims["iat"] = Value::from(cx.now_s());
        claims["jti"] = Value::from(cx.random.uuid());
        claims["type"] = Value::from(kind);
    }
    server.mint.mint(&claims)
}

fn expiry(form: ExpiryForm, until_ms: i64) -> Value {
    let until_s = until_ms.div_euclid(1000);
    match form {
        ExpiryForm::Epoch => Value::from(until_s),
        ExpiryForm::Iso => {
            Timestamp::from_second(until_s).map_or(Value::Null, |at| Value::from(at.to_string()))
        }
    }
}
