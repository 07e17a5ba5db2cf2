//! Somebody's API behind the pool. Its texts are those of Amazon API Gateway's authoriser.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use super::ResourceToken;
use super::server::Server;
use crate::context::Context;
use crate::ibex::HeaderForm;
use crate::record::AuthVerdict;
use crate::token_book::Access;
use crate::wire::{self, Echo};

pub(super) const PATH: &str = "/sim/echo";

pub(super) fn echo(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Response<Bytes> {
    let token = match authorised(server, request, cx) {
        Ok(token) => token,
        Err(verdict) => {
            cx.verdict(verdict);
            cx.refuse("token_refused");
            return unauthorized();
        }
    };
    let account = cx.accounts.get(&token.account);
    let resource = account.and_then(|account| account.attributes.get("resource"));
    if resource.is_some_and(|value| value == "forbidden") {
        cx.refuse("not_allowed");
        let text = "User is not authorized to access this resource";
        return wire::json(StatusCode::FORBIDDEN, &json!({ "Message": text }));
    }
    wire::json(StatusCode::OK, &Echo::of(request, &token))
}

pub(super) fn unauthorized() -> Response<Bytes> {
    let mut response = wire::json(StatusCode::UNAUTHORIZED, &json!({ "message": "Unauthorized" }));
    let challenge = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn authorised(
    server: &Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<Access, AuthVerdict> {
    let presented = wire::header_text(request.headers(), "authorization");
    let presented = presented.ok_or(AuthVerdict::Missing)?;
    let token = match (presented.strip_prefix("Bearer "), server.settings.resource_form) {
        (Some(token), HeaderForm::Bearer | HeaderForm::Both) => token,
        (None, HeaderForm::Raw | HeaderForm::Both) => presented,
        (Some(_), HeaderForm::Raw) | (None, HeaderForm::Bearer) => {
            return Err(AuthVerdict::Malformed);
        }
    };
    // An ID token stands in the books under the access token that came with it.
    let access = match (server.id_tokens.get(token), server.settings.resource_token) {
        (Some(access), ResourceToken::Id) => access.as_str(),
        (None, ResourceToken::Access) => token,
        (Some(_), ResourceToken::Access) | (None, ResourceToken::Id) => {
            return Err(AuthVerdict::Unknown);
        }
    };
    cx.check_access(access).or_else(|verdict| {
        let (_, entry) = cx.tokens.access(access, cx.now_ms);
        match entry.filter(|entry| entry.expires_at_ms > cx.now_ms).cloned() {
            Some(entry) if server.settings.offline_resource => {
                cx.verdict(AuthVerdict::Accepted);
                Ok(entry)
            }
            _ => Err(verdict),
        }
    })
}
