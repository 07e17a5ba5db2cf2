//! `InitiateAuth`: the flows.

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::wire::{Asked, parameter, required};
use super::{chain, refresh, users};
use crate::context::Context;

const FLOWS: [&str; 9] = [
    "ADMIN_NO_SRP_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "CUSTOM_AUTH",
    "REFRESH_TOKEN",
    "REFRESH_TOKEN_AUTH",
    "USER_AUTH",
    "USER_PASSWORD_AUTH",
    "USER_SRP_AUTH",
    "ADMIN_USER_SRP_AUTH",
];

pub(super) fn initiate(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let flow = required(&asked.auth_flow, "authFlow")?;
    let client = Client::of(asked, cx.accounts)?;
    match flow {
        "USER_PASSWORD_AUTH" if server.settings.password_flow => {
            by_password(server, asked, &client, cx)
        }
        // An app client whose refresh tokens rotate does not allow this flow.
        "REFRESH_TOKEN" | "REFRESH_TOKEN_AUTH" if server.settings.rotation.is_none() => {
            refresh::by_flow(server, asked, &client, cx)
        }
        known if FLOWS.contains(&known) => {
            let text = format!("{known} flow not enabled for this client");
            Err(Refusal::invalid_parameter(text, "flow_not_enabled"))
        }
        unknown => {
            let text = format!(
                "1 validation error detected: Value '{unknown}' at 'authFlow' failed to satisfy constraint: Member \
                 must satisfy enum value set: [{}]",
                FLOWS.join(", ")
            );
            Err(Refusal::invalid_parameter(text, "unknown_flow"))
        }
    }
}

/// The user of a name typed by somebody who is not signed in.
///
/// # Errors
/// `UserNotFoundException`, where existence is not hidden; else `hidden`.
pub(super) fn typed_user(
    server: &Server,
    cx: &mut Context<'_>,
    name: &str,
    hidden: fn() -> Refusal,
) -> Result<String, Refusal> {
    match users::find(&server.settings, cx, name) {
        Some(identity) => {
            cx.about(&identity);
            Ok(identity)
        }
        None if server.settings.hide_unknown_users => Err(hidden()),
        None => Err(Refusal::new("UserNotFoundException", "User does not exist.", "unknown_user")),
    }
}

fn by_password(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let name = parameter(given, "USERNAME")?;
    let password = parameter(given, "PASSWORD")?;
    let hash = given.and_then(|given| given.get("SECRET_HASH"));
    client.check_hash(hash.map(String::as_str), &[name])?;
    let identity = typed_user(server, cx, name, || Refusal::incorrect("unknown_user"))?;
    let now_ms = cx.now_ms;
    let Some(account) = cx.accounts.get(&identity) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    if account.is_locked_out(now_ms) && !account.locked {
        return Err(Refusal::not_authorized("Password attempts exceeded", "locked_out"));
    }
    let temporary = account.temporary_password.as_deref().filter(|_| account.must_change_password);
    if temporary.unwrap_or(&account.password) != password {
        users::count_failure(server, cx, &identity);
        return Err(Refusal::incorrect("wrong_password"));
    }
    cx.secret(password);
    users::forced(cx, &identity, "InitiateAuth")?;
    accepted(server, cx, &identity, &client.id)
}

/// The user has shown the password, in whichever flow.
fn accepted(
    server: &mut Server,
    cx: &mut Context<'_>,
    identity: &str,
    client_id: &str,
) -> Result<Response<Bytes>, Refusal> {
    let now_s = cx.now_s();
    let Some(account) = cx.accounts.get_mut(identity) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    users::standing(account)?;
    let until_s = account.attributes.get("temporary_password_until_s");
    if account.must_change_password
        && until_s.and_then(|until| until.parse::<i64>().ok()).is_some_and(|until| now_s >= until)
    {
        let text = "Temporary password has expired and must be reset by an administrator.";
        return Err(Refusal::not_authorized(text, "temporary_password_expired"));
    }
    account.failed_attempts = 0;
    account.locked_until_ms = None;
    let left = chain::of(account);
    chain::advance(server, cx, identity, client_id, left)
}
