//! Which challenges follow a right password, and in which form they are handed out.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course, Session};
use super::{Settings, custom, device, factors, first_factor, proof, tokens, users, wire};
use crate::account::Account;
use crate::context::Context;

/// The challenges after the password, in their order.
pub(super) fn of(settings: &Settings, course: &Course, account: &Account) -> VecDeque<String> {
    if course.flow == AuthFlow::Custom {
        return VecDeque::from([custom::CHALLENGE.to_owned()]);
    }
    let first = account.must_change_password.then(|| "NEW_PASSWORD_REQUIRED".to_owned());
    first.into_iter().chain(factors::asked_of(settings, account)).collect()
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
        "PASSWORD_VERIFIER" | "DEVICE_PASSWORD_VERIFIER" => {
            let device =
                device::subject(server, &course).filter(|_| challenge != "PASSWORD_VERIFIER");
            let account = cx.accounts.get(&course.identity).filter(|_| !course.nobody);
            let subject = match (device, account) {
                (Some(device), _) => device,
                (None, Some(account)) => proof::of_user(server, account),
                (None, None) => proof::of_nobody(server, &course.identity),
            };
            let public_a = course.srp_a.take().unwrap_or_default();
            let (proof, own) = proof::ask(server, cx, subject, public_a);
            parameters.extend(own);
            Awaited::Proof(Box::new(proof))
        }
        custom::CHALLENGE if course.tries > 0 => Awaited::Tries(course.tries),
        custom::CHALLENGE => Awaited::Tries(custom::tries(cx.accounts.get(&course.identity))),
        _ => Awaited::Answer,
    };
    // This flow alone hands out no session: the secret block is enough.
    let is_known_by_block = challenge == "PASSWORD_VERIFIER" && course.flow == AuthFlow::UserSrp;
    let expires_at_ms = cx.after(server.settings.session_life);
    let offered = (challenge == "SELECT_CHALLENGE")
        .then(|| first_factor::offered(&server.settings, cx, &course));
    let session =
        Session { course, challenge: challenge.clone(), awaited, expires_at_ms, answered: false };
    let session = server.sessions.open(cx, session);
    let mut answer = json!({ "ChallengeName": challenge, "ChallengeParameters": parameters });
    if !is_known_by_block {
        answer["Session"] = Value::from(session);
    }
    if let Some(offered) = offered {
        answer["AvailableChallenges"] = Value::from(offered);
    }
    Ok(wire::ok(&answer))
}

/// A code goes to the user. To nobody none goes, and there is none that would be right.
fn sent(cx: &mut Context<'_>, course: &Course, digits: usize) -> Awaited {
    if course.nobody {
        return Awaited::Answer;
    }
    let code = cx.random.digits(digits);
    cx.deliver(&course.identity, &code);
    Awaited::Code(code)
}

fn parameters(
    server: &Server,
    cx: &Context<'_>,
    course: &Course,
    challenge: &str,
) -> BTreeMap<String, String> {
    let identity = course.identity.as_str();
    let nobody = Account::user(identity, "");
    let account = cx.accounts.get(identity).filter(|_| !course.nobody).unwrap_or(&nobody);
    let attribute = |name: &str| account.attributes.get(name).map_or("", String::as_str);
    let name = match course.nobody {
        true => identity.to_owned(),
        false => users::internal_name(&server.settings, account),
    };
    let mut all = BTreeMap::new();
    let mut add = |name: &str, value: String| all.insert(name.to_owned(), value);
    match challenge {
        "PASSWORD_VERIFIER" | "DEVICE_PASSWORD_VERIFIER" => add("USERNAME", name.clone()),
        custom::CHALLENGE => add("USERNAME", name.clone()),
        _ => None,
    };
    match challenge {
        "DEVICE_SRP_AUTH" => {}
        "DEVICE_PASSWORD_VERIFIER" => {
            add("DEVICE_KEY", course.device_key.clone().unwrap_or_default());
        }
        _ => {
            add("USER_ID_FOR_SRP", name);
        }
    }
    match challenge {
        "NEW_PASSWORD_REQUIRED" => {
            let required: Vec<String> = list(attribute("required_attributes"))
                .map(|name| format!("userAttributes.{name}"))
                .collect();
            let known: serde_json::Map<String, Value> = users::attributes(account)
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            add("requiredAttributes", json!(required).to_string());
            add("userAttributes", Value::Object(known).to_string());
        }
        "EMAIL_OTP" => {
            let address = users::attribute(account, "email").unwrap_or_else(|| identity.to_owned());
            add("CODE_DELIVERY_DELIVERY_MEDIUM", "EMAIL".to_owned());
            add("CODE_DELIVERY_DESTINATION", masked(&address));
        }
        "SMS_MFA" | "SMS_OTP" => {
            add("CODE_DELIVERY_DELIVERY_MEDIUM", "SMS".to_owned());
            add("CODE_DELIVERY_DESTINATION", "+*******0123".to_owned());
        }
        "SELECT_MFA_TYPE" => {
            add("MFAS_CAN_CHOOSE", json!(factors::choices(account)).to_string());
        }
        "MFA_SETUP" => {
            let by_email = server.settings.mfa_setup_by_email.then_some("EMAIL_OTP");
            let offered: Vec<&str> = [factors::TOTP].into_iter().chain(by_email).collect();
            add("MFAS_CAN_SETUP", json!(offered).to_string());
        }
        "WEB_AUTHN" => {
            add("CREDENTIAL_REQUEST_OPTIONS", credential_request());
        }
        custom::CHALLENGE => all.extend(custom::parameters(account)),
        _ => {}
    }
    all
}

/// What a browser would hand to the user's authenticator. No answer to it is taken here.
fn credential_request() -> String {
    json!({
        "challenge": "Y2FuYXJ5LWNoYWxsZW5nZQ",
        "timeout": 180_000,
        "rpId": "pool.example",
        "allowCredentials": [],
        "userVerification": "preferred",
    })
    .to_string()
}

/// The first letter of both parts of an address: `k***@p***`.
pub(super) fn masked(address: &str) -> String {
    let first = |part: &str| part.chars().take(1).collect::<String>();
    let (name, domain) = address.split_once('@').unwrap_or((address, ""));
    format!("{}***@{}***", first(name), first(domain))
}
