//! OAuth 2 client credentials (RFC 6749, section 4.4), `/oauth/token`, with the `audience` that the vendor asks for.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::server::Server;
use super::wire::{Granted, OAuthError};
use crate::account::AccountKind;
use crate::context::Context;
use crate::wire;

pub(super) fn token(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Response<Bytes> {
    match granted(server, request, cx) {
        Ok(granted) => wire::json(StatusCode::OK, &granted),
        Err((status, error, error_description)) => {
            cx.refuse(error);
            wire::json(status, &OAuthError { error, error_description })
        }
    }
}

type Refused = (StatusCode, &'static str, &'static str);

fn granted(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<Granted, Refused> {
    let settings = &server.settings;
    let invalid_request = |text| (StatusCode::BAD_REQUEST, "invalid_request", text);
    if !wire::is_of_type(request.headers(), "application/x-www-form-urlencoded") {
        return Err(invalid_request("the body must be a form"));
    }
    let form = wire::form(request.body()).ok_or(invalid_request("the body must be a form"))?;
    let field = |name| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (Some(grant), Some(client_id), Some(client_secret), Some(audience)) =
        (field("grant_type"), field("client_id"), field("client_secret"), field("audience"))
    else {
        return Err(invalid_request("missing required parameter"));
    };
    if grant != "client_credentials" {
        return Err((StatusCode::BAD_REQUEST, "unsupported_grant_type", "unsupported grant type"));
    }
    cx.about(client_id);
    let client = cx.accounts.get(client_id).filter(|account| account.kind == AccountKind::Client);
    let Some(client) = client.filter(|client| client.password == client_secret) else {
        return Err((settings.client_refused, "invalid_client", "unknown client or wrong secret"));
    };
    if client.disabled || client.locked {
        return Err((StatusCode::FORBIDDEN, "access_denied", "client is blocked"));
    }
    if audience != settings.audience {
        return Err((settings.audience_refused, "access_denied", "unknown audience"));
    }
    cx.secret(client_secret);
    let expires_at_ms = cx.after(settings.oauth_life);
    let claims = json!({
        "sub": format!("{client_id}@clients"),
        "aud": audience,
        "iat": cx.now_s(),
        "exp": expires_at_ms.div_euclid(1000),
        "jti": cx.random.uuid(),
        "gty": "client-credentials",
    });
    let access_token = server.mint.mint(&claims);
    let family = cx.tokens.new_family();
    cx.issue_access(&access_token, client_id, family, expires_at_ms);
    Ok(Granted { access_token, expires_in: settings.oauth_life.as_secs(), token_type: "Bearer" })
}
