//! `SignUp`, `ConfirmSignUp` and `ResendConfirmationCode`.

use std::collections::HashMap;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::wire::{Asked, required};
use super::{password, policy, users, wire};
use crate::account::Account;
use crate::context::Context;

/// A code that confirms a sign-up.
pub(super) struct Confirmation {
    code: String,
    expires_at_ms: i64,
}

/// The codes by identity; a new one replaces the one before.
pub(super) type Confirmations = HashMap<String, Confirmation>;

pub(super) fn sign_up(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let name = required(&asked.username, "username")?;
    let chosen = required(&asked.password, "password")?;
    client.check_hash(asked.secret_hash.as_deref(), &[name])?;
    if !server.settings.sign_up {
        let text = "SignUp is not permitted for this user pool";
        return Err(Refusal::not_authorized(text, "sign_up_off"));
    }
    check_name(name)?;
    let mut account = Account::user(name, chosen).unverified();
    for attribute in asked.user_attributes.iter().flatten() {
        check_attribute(&attribute.name)?;
        let value = attribute.value.clone().unwrap_or_default();
        account = account.attribute(format!("user.{}", attribute.name), value);
    }
    // Told also where existence is hidden: the name is taken.
    if users::find(&server.settings, cx, name).is_some() {
        let text = "User already exists";
        return Err(Refusal::new("UsernameExistsException", text, "user_exists"));
    }
    policy::check(&server.settings, chosen)?;
    cx.about(name);
    cx.secret(chosen);
    let sub = users::sub(&account);
    cx.accounts.insert(account);
    let mut answer = json!({ "UserConfirmed": false, "UserSub": sub });
    // A user without an address gets no code and waits for an administrator.
    if let Some(delivery) = deliver(server, cx, name) {
        answer["CodeDeliveryDetails"] = delivery;
    }
    Ok(wire::ok(&answer))
}

pub(super) fn confirm(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let name = required(&asked.username, "username")?;
    let code = required(&asked.confirmation_code, "confirmationCode")?;
    client.check_hash(asked.secret_hash.as_deref(), &[name])?;
    let identity = password::named_user(server, cx, name, password::mismatch)?;
    users::forced(cx, &identity, "ConfirmSignUp")?;
    let Some(account) = cx.accounts.get(&identity) else { return Err(password::mismatch()) };
    if !account.unverified {
        let text = "User cannot be confirmed. Current status is CONFIRMED";
        return Err(Refusal::not_authorized(text, "user_confirmed"));
    }
    let attempts = server.settings.attempts;
    let sent = server.confirmations.get(&identity).filter(|sent| cx.now_ms < sent.expires_at_ms);
    let right = sent.ok_or_else(password::expired)?.code == code;
    if !right {
        server.limits.attempt(attempts, &identity, cx.now_ms)?;
        return Err(password::mismatch());
    }
    server.confirmations.remove(&identity);
    if let Some(account) = cx.accounts.get_mut(&identity) {
        account.unverified = false;
        account.attributes.insert("user.email_verified".to_owned(), "true".to_owned());
    }
    Ok(wire::done())
}

pub(super) fn resend(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let name = required(&asked.username, "username")?;
    client.check_hash(asked.secret_hash.as_deref(), &[name])?;
    let hidden = || Refusal::incorrect("unknown_user");
    let identity = match password::named_user(server, cx, name, hidden) {
        Ok(identity) => identity,
        // A simulated delivery: nothing is sent.
        Err(_) if server.settings.hide_unknown_users => {
            return Ok(wire::ok(&json!({ "CodeDeliveryDetails": users::delivery(name) })));
        }
        Err(refusal) => return Err(refusal),
    };
    users::forced(cx, &identity, "ResendConfirmationCode")?;
    if cx.accounts.get(&identity).is_some_and(|account| !account.unverified) {
        let text = "User is already confirmed.";
        return Err(Refusal::invalid_parameter(text, "user_confirmed"));
    }
    server.limits.attempt(server.settings.attempts, &identity, cx.now_ms)?;
    match deliver(server, cx, &identity) {
        Some(delivery) => Ok(wire::ok(&json!({ "CodeDeliveryDetails": delivery }))),
        None => {
            let text = "User has no registered email or phone_number";
            Err(Refusal::invalid_parameter(text, "no_address"))
        }
    }
}

/// Sends a code to the user's address, where there is one.
fn deliver(server: &mut Server, cx: &mut Context<'_>, identity: &str) -> Option<Value> {
    let address = users::attribute(cx.accounts.get(identity)?, "email")?;
    let code = cx.random.digits(6);
    cx.deliver(identity, &code);
    let expires_at_ms = cx.after(server.settings.confirmation_life);
    server.confirmations.insert(identity.to_owned(), Confirmation { code, expires_at_ms });
    Some(users::delivery(&address))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let printable = !name.chars().any(|c| c.is_whitespace() || c.is_control());
    if printable && (1..=128).contains(&name.chars().count()) {
        return Ok(());
    }
    let text = r"1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+";
    Err(Refusal::invalid_parameter(text, "malformed_username"))
}

/// The standard attributes of OpenID Connect and those of the pool's owner.
fn check_attribute(name: &str) -> Result<(), Refusal> {
    const STANDARD: [&str; 16] = [
        "address",
        "birthdate",
        "email",
        "family_name",
        "gender",
        "given_name",
        "locale",
        "middle_name",
        "name",
        "nickname",
        "phone_number",
        "picture",
        "preferred_username",
        "profile",
        "website",
        "zoneinfo",
    ];
    if name == "sub" {
        let text = "Cannot modify the non-mutable attribute sub";
        return Err(Refusal::invalid_parameter(text, "odd_attribute"));
    }
    if STANDARD.contains(&name) || name.starts_with("custom:") {
        return Ok(());
    }
    let text = format!(
        "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined"
    );
    Err(Refusal::invalid_parameter(text, "odd_attribute"))
}
