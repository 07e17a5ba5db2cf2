//! What a signed-in user may ask, and the ends of sessions: `GetUser`, `RevokeToken`, `GlobalSignOut`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::wire::{Asked, required};
use super::{factors, tokens, users, wire};
use crate::context::Context;
use crate::token_book::Worth;

pub(super) fn get_user(
    server: &Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "GetUser")?;
    let Some(account) = cx.accounts.get(&token.account) else {
        let text = "User does not exist.";
        return Err(Refusal::new("UserNotFoundException", text, "unknown_user"));
    };
    let mut attributes = vec![json!({ "Name": "sub", "Value": users::sub(account) })];
    attributes.extend(
        users::attributes(account)
            .into_iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value })),
    );
    let mut user = json!({
        "Username": users::internal_name(&server.settings, account),
        "UserAttributes": attributes,
    });
    let factors = factors::enabled(account);
    if !factors.is_empty() {
        user["UserMFASettingList"] = json!(factors);
    }
    if let Some(preferred) = factors::preferred(account) {
        user["PreferredMfaSetting"] = Value::from(preferred);
    }
    Ok(wire::ok(&user))
}

/// Ends a refresh token and the access tokens made with it. The answer has no body.
///
/// What a token that is already dead gets is not documented: success here, as for RFC 7009; one that was never issued
/// is an invalid parameter.
pub(super) fn revoke(
    server: &Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = required(&asked.token, "token")?;
    let client = Client::of(asked, cx.accounts)?;
    client.check_secret(asked.client_secret.as_deref()).map_err(|refusal| {
        let text = "Client is not authorized to revoke the token";
        Refusal::new("UnauthorizedException", text, refusal.word())
    })?;
    if !server.settings.revocation {
        let text = "Token revocation is not enabled for this client";
        return Err(Refusal::new("UnsupportedOperationException", text, "revocation_off"));
    }
    if cx.tokens.access(token, cx.now_ms).0 != Worth::Unknown {
        let text = "Unsupported token type";
        return Err(Refusal::new("UnsupportedTokenTypeException", text, "not_a_refresh_token"));
    }
    let (_, entry) = cx.tokens.refresh(token, cx.now_ms);
    let Some((identity, family)) = entry.map(|entry| (entry.account.clone(), entry.family)) else {
        return Err(Refusal::invalid_parameter("Invalid refresh token", "unknown_refresh_token"));
    };
    cx.about(&identity);
    if server.grants.get(&family).is_none_or(|grant| grant.client_id != client.id) {
        let text = "Token was issued to another client";
        return Err(Refusal::new("UnauthorizedException", text, "foreign_refresh_token"));
    }
    users::forced(cx, &identity, "RevokeToken")?;
    cx.tokens.revoke_family(family);
    Ok(wire::empty(StatusCode::OK))
}

/// Ends every token of the user.
pub(super) fn global_sign_out(
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "GlobalSignOut")?;
    cx.tokens.revoke_account(&token.account, true);
    Ok(wire::done())
}
