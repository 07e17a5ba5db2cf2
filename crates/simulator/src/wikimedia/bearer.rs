//! Calls with an access token: `get-user` and the data APIs, behind one middleware with a cache.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use super::refusal::Refusal;
use super::server::{Server, answer};
use super::tokens::groups;
use crate::context::Context;
use crate::record::AuthVerdict;
use crate::token_book::{Access, Worth};
use crate::wire::{self, Echo};

/// How long a validation is remembered.
const CACHE_MS: i64 = 86_400_000;

pub(super) fn get_user(
    server: &mut Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = authorised(server, request, cx)?;
    let account = cx.accounts.get(&token.account).cloned().unwrap_or_default();
    let groups = groups(&account);
    if groups.is_empty() {
        let text = "User has no allocated permissions!";
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text, "no_groups"));
    }
    Ok(answer(&json!({
        "username": token.account,
        "groups": groups,
        "apis": [{ "path": "/sim/echo", "method": "GET" }],
        "ondemand_requests_count": 0,
        "ondemand_limit": 5000,
        "snapshot_requests_count": 0,
        "snapshot_limit": 15,
        "chunk_requests_count": 0,
        "chunk_limit": 15,
    })))
}

pub(super) fn echo(
    server: &mut Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = authorised(server, request, cx)?;
    let account = cx.accounts.get(&token.account);
    match account.and_then(|account| account.attributes.get("resource")).map(String::as_str) {
        Some("capped") => {
            Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", "capped"))
        }
        Some("forbidden") => Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden", "not_allowed")),
        _ => Ok(wire::json(StatusCode::OK, &Echo::of(request, &token))),
    }
}

/// The presented token, if its text, its signature and then the pool, or the memory of it, say that it is good.
fn authorised(
    server: &mut Server,
    request: &Request<Bytes>,
    cx: &mut Context<'_>,
) -> Result<Access, Refusal> {
    let presented = wire::header_text(request.headers(), "authorization").unwrap_or_default();
    let token = presented.replacen("Bearer ", "", 1);
    let refused = |cx: &mut Context<'_>, verdict, text: String| {
        cx.verdict(verdict);
        Err(Refusal::unauthorized(text, "token_refused"))
    };
    if token.is_empty() {
        return refused(cx, AuthVerdict::Missing, "Unauthorized".to_owned());
    }
    if let Some(text) = malformed(&token) {
        return refused(cx, AuthVerdict::Malformed, text);
    }
    if server.id_tokens.contains_key(&token) {
        return refused(cx, AuthVerdict::Unknown, "incorrect client id".to_owned());
    }
    let (worth, entry) = cx.tokens.access(&token, cx.now_ms);
    let entry = entry.cloned();
    let judged = cx.check_access(&token);
    match (worth, entry) {
        (Worth::Good, _) => {}
        (Worth::Revoked, Some(entry)) if remembered(server, cx, &token, &entry) => {
            cx.verdict(AuthVerdict::Accepted);
            return Ok(entry);
        }
        (Worth::Revoked, _) => {
            let text = "NotAuthorizedException: Access Token has been revoked";
            return Err(Refusal::unauthorized(text, "token_refused"));
        }
        (Worth::Expired, entry) => {
            let end_ms = entry.map_or(cx.now_ms, |entry| entry.expires_at_ms);
            let text = format!("token is expired by {}", since(cx.now_ms, end_ms));
            return Err(Refusal::unauthorized(text, "token_refused"));
        }
        (Worth::Unknown, _) => {
            let text = "crypto/rsa: verification error";
            return Err(Refusal::unauthorized(text, "token_refused"));
        }
    }
    let until_ms = cx.now_ms.saturating_add(CACHE_MS);
    server
        .validated
        .entry(token)
        .and_modify(|known| {
            if *known <= cx.now_ms {
                *known = until_ms;
            }
        })
        .or_insert(until_ms);
    judged.map_err(|_| Refusal::unauthorized("Unauthorized", "token_refused"))
}

/// A sign-in's own token that was validated before its refresh token was revoked at this service: the revocation
/// forgets only the tokens that refreshes made.
fn remembered(server: &Server, cx: &Context<'_>, token: &str, entry: &Access) -> bool {
    server.revoked_families.contains(&entry.family)
        && !server.refreshed.contains(token)
        && cx.now_ms < entry.expires_at_ms
        && server.validated.get(token).is_some_and(|until| cx.now_ms < *until)
}

/// The words of the vendor's JWT library for a text that is no token.
fn malformed(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(head), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some("token contains an invalid number of segments".to_owned());
    };
    let stray = head.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
    Some(format!("illegal base64 data at input byte {stray}"))
}

/// A time as Go writes it, in whole seconds.
fn since(now_ms: i64, end_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(end_ms) / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}
