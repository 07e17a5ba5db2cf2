//! Users: their names, their standing, and the lockout.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use super::server::Server;
use super::{Settings, chain};
use crate::account::{Account, AccountKind};
use crate::context::Context;

/// The attribute that is the `sub`, else one that is made of the identity.
pub(super) fn sub(account: &Account) -> String {
    account.attributes.get("sub").cloned().unwrap_or_else(|| {
        let mut bytes: [u8; 32] = Sha256::digest(account.identity.as_bytes()).into();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = data_encoding::HEXLOWER.encode(&bytes[..16]);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    })
}

/// The name by which the pool knows the user.
pub(super) fn internal_name(settings: &Settings, account: &Account) -> String {
    if settings.internal_names { sub(account) } else { account.identity.clone() }
}

/// The password that opens the account: the temporary one where it has to be changed.
pub(super) fn opening_password(account: &Account) -> &str {
    let temporary = account.temporary_password.as_deref().filter(|_| account.must_change_password);
    temporary.unwrap_or(&account.password)
}

/// The identity of the user of that name, typed or internal.
pub(super) fn find(settings: &Settings, cx: &Context<'_>, name: &str) -> Option<String> {
    let typed = cx.accounts.get(name).filter(|account| account.kind == AccountKind::User);
    let found = typed.or_else(|| {
        cx.accounts.iter().find(|account| {
            account.kind == AccountKind::User && internal_name(settings, account) == name
        })
    });
    found.map(|account| account.identity.clone())
}

/// The attributes of the user, by their own names.
pub(super) fn attributes(account: &Account) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = account
        .attributes
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("user.")?.to_owned(), value.clone())))
        .collect();
    if account.identity.contains('@') && !all.iter().any(|(name, _)| name == "email") {
        all.push(("email".to_owned(), account.identity.clone()));
    }
    all
}

/// One attribute of the user, where it is not empty.
pub(super) fn attribute(account: &Account, name: &str) -> Option<String> {
    let found = attributes(account).into_iter().find(|(of, _)| of == name);
    found.map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// Where a code went, with the first letters alone: `k***@p***`.
pub(super) fn delivery(address: &str) -> Value {
    json!({
        "AttributeName": "email",
        "DeliveryMedium": "EMAIL",
        "Destination": chain::masked(address),
    })
}

/// The exception that the account's attributes `error` and `error_on` ask for.
///
/// # Errors
/// That exception.
pub(super) fn forced(cx: &Context<'_>, identity: &str, operation: &str) -> Result<(), Refusal> {
    let account = cx.accounts.get(identity);
    let attribute = |name| account.and_then(|account| account.attributes.get(name));
    match attribute("error") {
        Some(error) if attribute("error_on").is_none_or(|on| on == operation) => {
            let (name, text) = error.split_once(':').unwrap_or((error, "on demand"));
            Err(Refusal::new(name.trim(), text.trim(), "on_demand"))
        }
        _ => Ok(()),
    }
}

/// Refuses a user who may not even be asked for a proof, as seen at the service.
///
/// # Errors
/// The exception that says why.
pub(super) fn may_begin(account: &Account) -> Result<(), Refusal> {
    if account.disabled || account.locked {
        return Err(Refusal::not_authorized("User is disabled.", "user_disabled"));
    }
    if account.unverified {
        let text = "User is not confirmed.";
        return Err(Refusal::new("UserNotConfirmedException", text, "user_not_confirmed"));
    }
    Ok(())
}

/// Refuses a user who may not get tokens.
///
/// # Errors
/// The exception that says why.
pub(super) fn standing(account: &Account) -> Result<(), Refusal> {
    may_begin(account)?;
    if account.attributes.contains_key("reset_required") {
        let text = "Password reset required for the user";
        return Err(Refusal::new("PasswordResetRequiredException", text, "reset_required"));
    }
    Ok(())
}

/// Refuses any password, right or wrong, while a lockout lasts.
///
/// # Errors
/// `NotAuthorizedException`.
pub(super) fn not_locked_out(account: &Account, now_ms: i64) -> Result<(), Refusal> {
    match account.is_locked_out(now_ms) && !account.locked {
        true => Err(Refusal::not_authorized("Password attempts exceeded", "locked_out")),
        false => Ok(()),
    }
}

/// Counts a wrong password. From the fifth on each one locks, twice as long as the one before.
pub(super) fn count_failure(server: &mut Server, cx: &mut Context<'_>, identity: &str) {
    let rule = server.settings.lockout;
    let quiet_ms = i64::try_from(rule.longest.as_millis()).unwrap_or(i64::MAX);
    let last_ms = server.failed_at.insert(identity.to_owned(), cx.now_ms);
    let now_ms = cx.now_ms;
    let Some(account) = cx.accounts.get_mut(identity) else { return };
    if last_ms.is_some_and(|last| now_ms >= last.saturating_add(quiet_ms)) {
        account.failed_attempts = 0;
    }
    account.failed_attempts += 1;
    if let Some(over) = account.failed_attempts.checked_sub(rule.failures) {
        let time = rule.first.saturating_mul(2_u32.saturating_pow(over)).min(rule.longest);
        account.locked_until_ms =
            Some(now_ms.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)));
    }
}
