//! Which challenges follow a right password, and in which form they are handed out.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::server::Server;
use super::sessions::Session;
use super::{tokens, users, wire};
use crate::account::Account;
use crate::context::Context;

/// The challenges of a sign-in, in their order.
pub(super) fn of(account: &Account) -> VecDeque<String> {
    let first = account.must_change_password.then(|| "NEW_PASSWORD_REQUIRED".to_owned());
    let rest: Vec<String> = match account.attributes.get("mfa") {
        None => account.totp_secret.iter().map(|_| "SOFTWARE_TOKEN_MFA".to_owned()).collect(),
        Some(names) => {
            list(names).map(|name| if_set_up(account, name)).map(str::to_owned).collect()
        }
    };
    first.into_iter().chain(rest).collect()
}

/// The items of a list with commas.
pub(super) fn list(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}

/// The next challenge of the sign-in, or its tokens when none is left.
pub(super) fn advance(
    server: &mut Server,
    cx: &mut Context<'_>,
    identity: &str,
    client_id: &str,
    mut left: VecDeque<String>,
) -> Result<Response<Bytes>, Refusal> {
    let Some(challenge) = left.pop_front() else {
        let tokens = tokens::of_sign_in(server, cx, identity, client_id)?;
        return Ok(wire::ok(&json!({ "AuthenticationResult": tokens, "ChallengeParameters": {} })));
    };
    let code = match challenge.as_str() {
        // Eight digits were seen live.
        "EMAIL_OTP" => Some(cx.random.digits(8)),
        "SMS_MFA" | "SMS_OTP" => Some(cx.random.digits(6)),
        _ => None,
    };
    if let Some(code) = &code {
        cx.deliver(identity, code);
    }
    let parameters = parameters(server, cx, identity, &challenge);
    let session = Session {
        identity: identity.to_owned(),
        client_id: client_id.to_owned(),
        challenge: challenge.clone(),
        left,
        expires_at_ms: cx.after(server.settings.session_life),
        answered: false,
        code,
        enrolment: None,
    };
    let session = server.sessions.open(cx, session);
    Ok(wire::ok(&json!({
        "ChallengeName": challenge, "Session": session, "ChallengeParameters": parameters,
    })))
}

fn if_set_up<'a>(account: &Account, name: &'a str) -> &'a str {
    match name {
        "MFA_SETUP" if account.totp_secret.is_some() => "SOFTWARE_TOKEN_MFA",
        other => other,
    }
}

fn parameters(
    server: &Server,
    cx: &Context<'_>,
    identity: &str,
    challenge: &str,
) -> BTreeMap<&'static str, String> {
    let Some(account) = cx.accounts.get(identity) else { return BTreeMap::new() };
    let attribute = |name: &str| account.attributes.get(name).map_or("", String::as_str);
    let mut all = BTreeMap::new();
    all.insert("USER_ID_FOR_SRP", users::internal_name(&server.settings, account));
    match challenge {
        "NEW_PASSWORD_REQUIRED" => {
            let required: Vec<String> = list(attribute("required_attributes"))
                .map(|name| format!("userAttributes.{name}"))
                .collect();
            let known: serde_json::Map<String, Value> = users::attributes(account)
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            all.insert("requiredAttributes", json!(required).to_string());
            all.insert("userAttributes", Value::Object(known).to_string());
        }
        "EMAIL_OTP" => {
            all.insert("CODE_DELIVERY_DELIVERY_MEDIUM", "EMAIL".to_owned());
            all.insert("CODE_DELIVERY_DESTINATION", masked(identity));
        }
        "SMS_MFA" | "SMS_OTP" => {
            all.insert("CODE_DELIVERY_DELIVERY_MEDIUM", "SMS".to_owned());
            all.insert("CODE_DELIVERY_DESTINATION", "+*******0123".to_owned());
        }
        "SELECT_MFA_TYPE" => {
            let choices: Vec<&str> = list(attribute("mfa_choices")).collect();
            all.insert("MFAS_CAN_CHOOSE", json!(choices).to_string());
        }
        "MFA_SETUP" => {
            all.insert("MFAS_CAN_SETUP", json!(["SOFTWARE_TOKEN_MFA"]).to_string());
        }
        _ => {}
    }
    all
}

/// The first letter of both parts of an address: `k***@p***`.
pub(super) fn masked(address: &str) -> String {
    let first = |part: &str| part.chars().take(1).collect::<String>();
    let (name, domain) = address.split_once('@').unwrap_or((address, ""));
    format!("{}***@{}***", first(name), first(domain))
}
