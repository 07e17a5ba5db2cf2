//! Which challenges follow a right password, and in which form they are handed out.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course, Session};
use super::{proof, tokens, users, wire};
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
    mut course: Course,
) -> Result<Response<Bytes>, Refusal> {
    let Some(challenge) = course.left.pop_front() else {
        let tokens = tokens::of_sign_in(server, cx, &course)?;
        return Ok(wire::ok(&json!({ "AuthenticationResult": tokens, "ChallengeParameters": {} })));
    };
    let mut parameters = parameters(server, cx, &course, &challenge);
    let awaited = match challenge.as_str() {
        // Eight digits were seen live.
        "EMAIL_OTP" => sent(cx, &course, 8),
        "SMS_MFA" | "SMS_OTP" => sent(cx, &course, 6),
        "PASSWORD_VERIFIER" => {
            let subject = match cx.accounts.get(&course.identity).filter(|_| !course.nobody) {
                Some(account) => proof::of_user(server, account),
                None => proof::of_nobody(server, &course.identity),
            };
            let public_a = course.srp_a.take().unwrap_or_default();
            let (proof, own) = proof::ask(server, cx, subject, public_a);
            parameters.extend(own);
            Awaited::Proof(Box::new(proof))
        }
        _ => Awaited::Answer,
    };
    // This flow alone hands out no session: the secret block is enough.
    let is_known_by_block = challenge == "PASSWORD_VERIFIER" && course.flow == AuthFlow::UserSrp;
    let expires_at_ms = cx.after(server.settings.session_life);
    let session =
        Session { course, challenge: challenge.clone(), awaited, expires_at_ms, answered: false };
    let session = server.sessions.open(cx, session);
    let mut answer = json!({ "ChallengeName": challenge, "ChallengeParameters": parameters });
    if !is_known_by_block {
        answer["Session"] = Value::from(session);
    }
    Ok(wire::ok(&answer))
}

/// A code goes to the user; to nobody none goes.
fn sent(cx: &mut Context<'_>, course: &Course, digits: usize) -> Awaited {
    let code = cx.random.digits(digits);
    if !course.nobody {
        cx.deliver(&course.identity, &code);
    }
    Awaited::Code(code)
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
    course: &Course,
    challenge: &str,
) -> BTreeMap<&'static str, String> {
    let identity = course.identity.as_str();
    let nobody = Account::user(identity, "");
    let account = cx.accounts.get(identity).filter(|_| !course.nobody).unwrap_or(&nobody);
    let attribute = |name: &str| account.attributes.get(name).map_or("", String::as_str);
    let name = match course.nobody {
        true => identity.to_owned(),
        false => users::internal_name(&server.settings, account),
    };
    let mut all = BTreeMap::new();
    if challenge == "PASSWORD_VERIFIER" {
        all.insert("USERNAME", name.clone());
    }
    all.insert("USER_ID_FOR_SRP", name);
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
