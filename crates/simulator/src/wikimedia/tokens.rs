//! The pool's tokens in the service's names.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::server::Server;
use crate::account::Account;
use crate::context::Context;

/// The client of the service at its pool.
const CLIENT_ID: &str = "1canarywikimediaclient";

/// How an answer came by its access token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Login,
    Refresh,
}

/// The members of an answer with new tokens; only a sign-in gives a refresh token.
pub(super) fn issue(
    server: &mut Server,
    cx: &mut Context<'_>,
    identity: &str,
    family: u64,
    origin: Origin,
) -> Map<String, Value> {
    let account = cx.accounts.get(identity).cloned().unwrap_or_default();
    let until_ms = cx.after(server.settings.access_life);
    let common = json!({
        "sub": sub(&account),
        "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_CanaryPool",
        "cognito:groups": groups(&account),
        "iat": cx.now_s(),
        "exp": until_ms.div_euclid(1000),
    });
    let with = |cx: &mut Context<'_>, own: Value| {
        let mut claims = common.clone();
        claims["jti"] = Value::from(cx.random.uuid());
        if let (Some(claims), Value::Object(own)) = (claims.as_object_mut(), own) {
            claims.extend(own);
        }
        server.mint.mint(&claims)
    };
    let access = json!({ "token_use": "access", "client_id": CLIENT_ID, "username": identity });
    let access = with(cx, access);
    let id = json!({ "token_use": "id", "aud": CLIENT_ID, "cognito:username": identity, "email": email(&account) });
    let id = with(cx, id);
    cx.issue_access(&access, identity, family, until_ms);
    cx.secret(&id);
    server.id_tokens.insert(id.clone(), access.clone());
    let mut members = Map::new();
    match origin {
        Origin::Login => {
            let refresh = format!("eyJjdHkiOiJKV1QifQ.{}", cx.random.token());
            cx.issue_refresh(&refresh, identity, family, cx.after(server.settings.refresh_life));
            members.insert("refresh_token".to_owned(), Value::from(refresh));
        }
        Origin::Refresh => {
            server.refreshed.insert(access.clone());
        }
    }
    members.insert("id_token".to_owned(), Value::from(id));
    members.insert("access_token".to_owned(), Value::from(access));
    members.insert("expires_in".to_owned(), Value::from(server.settings.access_life.as_secs()));
    members
}

/// The groups of an account.
pub(super) fn groups(account: &Account) -> Vec<&str> {
    let groups = account.attributes.get("groups").map_or("group_1", String::as_str);
    groups.split(',').map(str::trim).filter(|group| !group.is_empty()).collect()
}

/// The address of an account.
pub(super) fn email(account: &Account) -> &str {
    account.attributes.get("email").map_or("", String::as_str)
}

/// The account's number in the pool, made of its name.
pub(super) fn sub(account: &Account) -> String {
    let hex = data_encoding::HEXLOWER.encode(&Sha256::digest(account.identity.as_bytes()));
    [
        &hex[..8],
        &hex[8..12],
        &format!("4{}", &hex[13..16]),
        &format!("a{}", &hex[17..20]),
        &hex[20..32],
    ]
    .join("-")
}
