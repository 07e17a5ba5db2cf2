//! Access, ID and refresh tokens of the pool.

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::server::{Grant, Server};
use super::sessions::Course;
use super::wire::Tokens;
use super::{device, users};
use crate::context::Context;
use crate::record::AuthVerdict;
use crate::token_book::Access;

/// The tokens of a new sign-in.
///
/// # Errors
/// `NotAuthorizedException` where the user has gone meanwhile.
pub(super) fn of_sign_in(
    server: &mut Server,
    cx: &mut Context<'_>,
    course: &Course,
) -> Result<Tokens, Refusal> {
    let identity = course.identity.as_str();
    let family = cx.tokens.new_family();
    let new_device = device::offer(server, cx, course);
    let offered = new_device.as_ref().map(|device| device.device_key.clone());
    let grant = Grant {
        device_key: course.device_key.clone().or(offered),
        client_id: course.client_id.clone(),
        signed_in_s: cx.now_s(),
        origin_jti: cx.random.uuid(),
    };
    server.grants.insert(family, grant);
    let until_ms = cx.after(server.settings.refresh_life);
    let refresh_token = refresh_token(cx, identity, family, until_ms);
    let tokens = of_family(server, cx, identity, family, Some(refresh_token))?;
    Ok(Tokens { new_device_metadata: new_device, ..tokens })
}

/// New access and ID tokens of a sign-in, together with this refresh token.
///
/// # Errors
/// `NotAuthorizedException` where the user has gone meanwhile.
pub(super) fn of_family(
    server: &mut Server,
    cx: &mut Context<'_>,
    identity: &str,
    family: u64,
    refresh_token: Option<String>,
) -> Result<Tokens, Refusal> {
    let (Some(account), Some(grant)) = (cx.accounts.get(identity), server.grants.get(&family))
    else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    let settings = &server.settings;
    let region = settings.pool_id.split('_').next().unwrap_or_default();
    let expires_at_ms = cx.after(settings.access_life);
    let mut access = json!({
        "sub": users::sub(account),
        "iss": format!("https://cognito-idp.{region}.amazonaws.com/{}", settings.pool_id),
        "origin_jti": grant.origin_jti,
        "event_id": cx.random.uuid(),
        "auth_time": grant.signed_in_s,
        "iat": cx.now_s(),
        "exp": expires_at_ms.div_euclid(1000),
        "jti": cx.random.uuid(),
    });
    let mut id = access.clone();
    let name = users::internal_name(settings, account);
    access["token_use"] = Value::from("access");
    access["client_id"] = Value::from(grant.client_id.as_str());
    access["scope"] = Value::from("aws.cognito.signin.user.admin");
    access["username"] = Value::from(name.as_str());
    id["token_use"] = Value::from("id");
    id["aud"] = Value::from(grant.client_id.as_str());
    id["jti"] = Value::from(cx.random.uuid());
    id["cognito:username"] = Value::from(name);
    for (name, value) in users::attributes(account) {
        id[name] = Value::from(value);
    }
    let (access_token, id_token) = (server.mint.mint(&access), server.mint.mint(&id));
    cx.secret(&id_token);
    cx.issue_access(&access_token, identity, family, expires_at_ms);
    server.id_tokens.insert(id_token.clone(), access_token.clone());
    let expires_in = settings.access_life.as_secs();
    Ok(Tokens {
        access_token,
        id_token,
        refresh_token,
        expires_in,
        token_type: "Bearer",
        new_device_metadata: None,
    })
}

/// An opaque refresh token of a sign-in.
pub(super) fn refresh_token(
    cx: &mut Context<'_>,
    identity: &str,
    family: u64,
    until_ms: i64,
) -> String {
    let token = format!("eyJjdHkiOiJKV1QifQ.{}.{}", cx.random.token(), cx.random.token());
    cx.issue_refresh(&token, identity, family, until_ms);
    token
}

/// The access token of a user pool call.
///
/// # Errors
/// `NotAuthorizedException` with the text that says what is wrong with it.
pub(super) fn presented(cx: &mut Context<'_>, token: &str) -> Result<Access, Refusal> {
    cx.check_access(token).map_err(|verdict| {
        let text = match verdict {
            AuthVerdict::Expired => "Access Token has expired",
            AuthVerdict::Revoked => "Access Token has been revoked",
            _ => "Invalid Access Token",
        };
        Refusal::not_authorized(text, "token_refused")
    })
}
