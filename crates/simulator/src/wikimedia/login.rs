//! Signing in, the one challenge that can be answered, refreshing within a budget, and revoking.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::binding::Bound;
use super::pool::{self, PoolError, Session};
use super::refusal::Refusal;
use super::server::{Budget, Server, answer};
use super::tokens::{self, Origin};
use crate::context::Context;
use crate::limit;
use crate::token_book::Worth;
use crate::wire;

type Answer = Result<Response<Bytes>, Refusal>;

/// Every exception of the pool is one text.
pub(super) fn sign_in(server: &mut Server, asked: &Bound, cx: &mut Context<'_>) -> Answer {
    let name = asked.username()?;
    let password = asked.text("password", 1, 255)?;
    let identity = pool::password(server, cx, name, password)
        .map_err(|error| Refusal::unauthorized("Incorrect username or password.", error.word))?;
    let account = cx.accounts.get(&identity);
    let challenge = account.and_then(|account| match account.must_change_password {
        true => Some("NEW_PASSWORD_REQUIRED".to_owned()),
        false => account.attributes.get("mfa").cloned(),
    });
    let Some(challenge) = challenge else {
        return Ok(signed_in(server, cx, &identity));
    };
    let session = format!("AYAB{}{}", cx.random.token(), cx.random.token());
    cx.secret(&session);
    let answer = json!({ "challenge_name": challenge, "session": session });
    let expires_at_ms = cx.after(server.settings.session_life);
    let entry = Session { identity, challenge, expires_at_ms, answered: false };
    server.sessions.insert(session, entry);
    limit::keep_youngest(&mut server.sessions, |session| session.expires_at_ms);
    Ok(self::answer(&answer))
}

pub(super) fn new_password(server: &mut Server, asked: &Bound, cx: &mut Context<'_>) -> Answer {
    let name = asked.username()?;
    let session = asked.text("session", 1, usize::MAX)?;
    let password = asked.text("new_password", 6, 255)?;
    let refused = |word| Refusal::unauthorized("Unauthorized.", word);
    let now_ms = cx.now_ms;
    let entry = server.sessions.get_mut(session).ok_or_else(|| refused("session_unknown"))?;
    // The hash of the client's secret is made of the name in the request, so its spelling counts.
    if entry.identity != name || entry.challenge != "NEW_PASSWORD_REQUIRED" {
        return Err(refused("session_foreign"));
    }
    if entry.answered || now_ms >= entry.expires_at_ms {
        return Err(refused("session_dead"));
    }
    pool::check_policy(password).map_err(|error| refused(error.word))?;
    entry.answered = true;
    cx.about(name);
    cx.secret(password);
    let mut further = None;
    if let Some(account) = cx.accounts.get_mut(name) {
        account.choose_password(password);
        further = account.attributes.get("mfa").cloned();
    }
    match further {
        None => Ok(signed_in(server, cx, name)),
        // The service has no field for a further challenge.
        Some(_) => Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal Server Error",
            "further_challenge",
        )),
    }
}

/// The budget is looked at first, and only a success is counted.
pub(super) fn refresh(server: &mut Server, asked: &Bound, cx: &mut Context<'_>) -> Answer {
    let name = asked.username()?;
    let token = asked.text("refresh_token", 1, usize::MAX)?;
    let key = (name.to_owned(), token.to_owned());
    let now_ms = cx.now_ms;
    server.budgets.retain(|_, budget| now_ms < budget.until_ms);
    if server.budgets.get(&key).map_or(0, |budget| budget.used) >= server.settings.budget {
        let owner = cx.tokens.refresh(token, now_ms).1.map(|entry| entry.account.clone());
        owner.iter().for_each(|owner| cx.about(owner));
        let text = "Refresh tokens limit has been exceeded.";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, text, "budget_spent"));
    }
    let (identity, family) = redeemed(cx, name, token)
        .map_err(|error| Refusal::unauthorized("Unauthorized.", error.word))?;
    let members = tokens::issue(server, cx, &identity, family, Origin::Refresh);
    let until_ms = cx.after(server.settings.budget_window);
    server.budgets.entry(key).or_insert(Budget { used: 0, until_ms }).used += 1;
    Ok(answer(&members))
}

/// Ends the refresh token and what was made with it, but for access tokens of a sign-in that the service has in its
/// cache already.
pub(super) fn revoke(server: &mut Server, asked: &Bound, cx: &mut Context<'_>) -> Answer {
    let token = asked.text("refresh_token", 1, usize::MAX)?;
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let found = entry.map(|entry| (entry.account.clone(), entry.family));
    let Some((identity, family)) = found.filter(|_| worth == Worth::Good) else {
        return Err(Refusal::unauthorized("Unauthorized", "dead_refresh_token"));
    };
    cx.about(&identity);
    cx.tokens.revoke_family(family);
    server.revoked_families.insert(family);
    server.budgets.retain(|(_, of), _| of != token);
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

fn redeemed(cx: &mut Context<'_>, name: &str, token: &str) -> Result<(String, u64), PoolError> {
    let dead = |word| PoolError::not_authorized("Invalid Refresh Token", word);
    let (worth, entry) = cx.tokens.refresh(token, cx.now_ms);
    let (identity, family) = entry
        .map(|entry| (entry.account.clone(), entry.family))
        .ok_or_else(|| dead("unknown_refresh_token"))?;
    cx.about(&identity);
    if worth != Worth::Good {
        return Err(dead("dead_refresh_token"));
    }
    // The hash of the client's secret is made of the name in the request.
    if identity != name {
        return Err(dead("wrong_username"));
    }
    cx.accounts.get(&identity).map_or(Err(dead("unknown_account")), pool::standing)?;
    cx.tokens.redeem(token, cx.now_ms, false);
    Ok((identity, family))
}

fn signed_in(server: &mut Server, cx: &mut Context<'_>, identity: &str) -> Response<Bytes> {
    let family = cx.tokens.new_family();
    answer(&tokens::issue(server, cx, identity, family, Origin::Login))
}
