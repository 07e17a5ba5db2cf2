//! Second factors: which a user has, which one is asked for, and `SetUserMFAPreference`.

use std::collections::VecDeque;

use bytes::Bytes;
use http::Response;

use super::chain::list;
use super::refusal::Refusal;
use super::server::Server;
use super::wire::{Asked, required};
use super::{Settings, tokens, users, wire};
use crate::account::Account;
use crate::context::Context;

pub(super) const TOTP: &str = "SOFTWARE_TOKEN_MFA";
/// The factors that a user can choose, in the order in which they are told.
const KNOWN: [&str; 3] = ["SMS_MFA", TOTP, "EMAIL_OTP"];
const SETTINGS: &str = "mfa_settings";
const PREFERRED: &str = "mfa_preferred";

/// The challenges that follow a right password, but for a new password.
pub(super) fn asked_of(settings: &Settings, account: &Account) -> VecDeque<String> {
    if let Some(names) = account.attributes.get("mfa") {
        return list(names).map(|name| if_set_up(account, name).to_owned()).collect();
    }
    let mut enabled = enabled(account);
    let next = match preferred(account) {
        Some(preferred) => Some(preferred),
        None if enabled.len() > 1 => Some("SELECT_MFA_TYPE".to_owned()),
        None => enabled.pop().or_else(|| settings.mfa_required.then(|| "MFA_SETUP".to_owned())),
    };
    next.into_iter().collect()
}

/// What the user may choose from at `SELECT_MFA_TYPE`.
pub(super) fn choices(account: &Account) -> Vec<String> {
    match account.attributes.get("mfa_choices") {
        Some(names) => list(names).map(str::to_owned).collect(),
        None => enabled(account),
    }
}

/// The factors that are switched on: by the user, else the shared secret where there is one.
pub(super) fn enabled(account: &Account) -> Vec<String> {
    match account.attributes.get(SETTINGS) {
        Some(names) => list(names).map(str::to_owned).collect(),
        None => account.totp_secret.iter().map(|_| TOTP.to_owned()).collect(),
    }
}

/// The factor that is asked for where there are several.
pub(super) fn preferred(account: &Account) -> Option<String> {
    let enabled = enabled(account);
    let preferred = account.attributes.get(PREFERRED).filter(|name| enabled.contains(name));
    preferred.cloned()
}

/// Takes over a verified secret. It is a factor from now on only if codes were one before.
pub(super) fn set_secret(account: &mut Account, secret: &str, step: i64) {
    let enabled = enabled(account);
    account.attributes.insert(SETTINGS.to_owned(), enabled.join(","));
    account.totp_secret = Some(secret.to_owned());
    account.last_code_step = Some(step);
}

/// Switches a factor on, as `MFA_SETUP` does.
pub(super) fn enable(account: &mut Account, factor: &str) {
    let mut all = enabled(account);
    if !all.iter().any(|name| name == factor) {
        all.push(factor.to_owned());
    }
    account.attributes.insert(SETTINGS.to_owned(), all.join(","));
}

/// `SetUserMFAPreference`: what is not named stays as it is.
pub(super) fn set_preference(
    server: &Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let token = tokens::presented(cx, required(&asked.access_token, "accessToken")?)?;
    users::forced(cx, &token.account, "SetUserMFAPreference")?;
    let Some(account) = cx.accounts.get_mut(&token.account) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    let wanted = [
        ("SMS_MFA", asked.sms_mfa_settings),
        (TOTP, asked.software_token_mfa_settings),
        ("EMAIL_OTP", asked.email_mfa_settings),
    ];
    let invalid = |text: &str| Refusal::invalid_parameter(text, "wrong_preference");
    if wanted.iter().filter(|(_, of)| of.is_some_and(|of| of.preferred_mfa)).count() > 1 {
        return Err(invalid("MFA preferences may have one preferred factor only."));
    }
    let mut on = enabled(account);
    let mut preferred = preferred(account);
    for (name, settings) in wanted.iter().filter_map(|(name, of)| Some((*name, (*of)?))) {
        if settings.preferred_mfa && !settings.enabled {
            return Err(invalid("A factor that is not enabled cannot be preferred."));
        }
        if settings.enabled && !can_have(account, name) {
            return Err(match name {
                TOTP => invalid("User has not verified software token mfa"),
                _ => invalid(&format!("User does not have delivery config set to turn on {name}")),
            });
        }
        on.retain(|known| known != name);
        if settings.enabled {
            on.push(name.to_owned());
        }
        match settings.preferred_mfa {
            true => preferred = Some(name.to_owned()),
            false => preferred = preferred.filter(|known| known != name),
        }
    }
    if server.settings.mfa_required && on.is_empty() {
        return Err(invalid("User pool requires MFA, the last factor cannot be switched off."));
    }
    on.sort_by_key(|name| KNOWN.iter().position(|known| known == name));
    account.attributes.insert(SETTINGS.to_owned(), on.join(","));
    match preferred.filter(|name| on.contains(name)) {
        Some(name) => account.attributes.insert(PREFERRED.to_owned(), name),
        None => account.attributes.remove(PREFERRED),
    };
    Ok(wire::done())
}

fn can_have(account: &Account, name: &str) -> bool {
    match name {
        TOTP => account.totp_secret.is_some(),
        "SMS_MFA" => users::attribute(account, "phone_number").is_some(),
        _ => users::attribute(account, "email").is_some(),
    }
}

fn if_set_up<'a>(account: &Account, name: &'a str) -> &'a str {
    match name {
        "MFA_SETUP" if account.totp_secret.is_some() => TOTP,
        other => other,
    }
}
