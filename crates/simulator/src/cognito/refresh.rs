//! Refreshing, by the old flow and by the operation of its own, with and without rotation.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::wire::{Asked, parameter, required};
use super::{HashName, device, tokens, users, wire};
use crate::context::Context;
use crate::token_book::{Refresh, Worth};

/// `REFRESH_TOKEN_AUTH`: the hash is made of the user's name, which the request does not hold.
pub(super) fn by_flow(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let token = parameter(given, "REFRESH_TOKEN")?;
    let hash = given.and_then(|given| given.get("SECRET_HASH")).map(String::as_str);
    let owner = cx.tokens.refresh(token, cx.now_ms).1.map(|entry| entry.account.clone());
    let account = owner.as_deref().and_then(|owner| cx.accounts.get(owner));
    if let Some(account) = account {
        let internal = users::internal_name(&server.settings, account);
        match server.settings.hash_name {
            HashName::Internal => client.check_hash(hash, &[&internal])?,
            HashName::Either => client.check_hash(hash, &[&internal, &account.identity])?,
        }
    }
    let device = given.and_then(|given| given.get("DEVICE_KEY")).map(String::as_str);
    let entry = redeemed(server, cx, client, (token, device), "InitiateAuth")?;
    let tokens = tokens::of_family(server, cx, &entry.account, entry.family, None)?;
    Ok(wire::ok(&json!({ "AuthenticationResult": tokens, "ChallengeParameters": {} })))
}

/// `GetTokensFromRefreshToken`: the plain secret; a new refresh token only with rotation.
pub(super) fn by_operation(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = required(&asked.refresh_token, "refreshToken")?;
    let client = Client::of(asked, cx.accounts)?;
    client.check_secret(asked.client_secret.as_deref())?;
    let presented = (token, asked.device_key.as_deref());
    let entry = redeemed(server, cx, &client, presented, "GetTokensFromRefreshToken")?;
    let next = server
        .settings
        .rotation
        .map(|_| tokens::refresh_token(cx, &entry.account, entry.family, entry.expires_at_ms));
    let tokens = tokens::of_family(server, cx, &entry.account, entry.family, next)?;
    Ok(wire::ok(&json!({ "AuthenticationResult": tokens })))
}

/// The refresh token as it was before this use of it.
fn redeemed(
    server: &Server,
    cx: &mut Context<'_>,
    client: &Client,
    (token, device): (&str, Option<&str>),
    operation: &str,
) -> Result<Refresh, Refusal> {
    let invalid = || Refusal::not_authorized("Invalid Refresh Token", "unknown_refresh_token");
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let entry = entry.cloned().ok_or_else(invalid)?;
    cx.about(&entry.account);
    let grant = server.grants.get(&entry.family).filter(|grant| grant.client_id == client.id);
    let grant = grant.ok_or_else(invalid)?;
    users::forced(cx, &entry.account, operation)?;
    let dead = |text| Err(Refusal::not_authorized(text, "dead_refresh_token"));
    match worth {
        Worth::Expired => return dead("Refresh Token has expired"),
        Worth::Revoked => return dead("Refresh Token has been revoked"),
        Worth::Unknown => return Err(invalid()),
        Worth::Good => {}
    }
    device::checked_at_refresh(server, &entry.account, grant, device)?;
    if let (Some(grace), Some(spent_at_ms)) = (server.settings.rotation, entry.spent_at_ms) {
        cx.spent_refresh_token();
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        if cx.now_ms >= spent_at_ms.saturating_add(grace_ms) {
            if server.settings.reuse_ends_family {
                cx.tokens.revoke_family(entry.family);
            }
            let text = "Refresh token has already been used";
            return Err(Refusal::new("RefreshTokenReuseException", text, "refresh_token_reused"));
        }
    }
    cx.accounts.get(&entry.account).map_or_else(|| Err(invalid()), users::standing)?;
    cx.tokens.redeem(token, cx.now_ms, server.settings.rotation.is_some());
    Ok(entry)
}
