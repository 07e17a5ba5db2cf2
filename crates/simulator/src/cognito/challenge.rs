//! `RespondToAuthChallenge`: one answer, then the next challenge or the tokens.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Session, foreign};
use super::wire::{Asked, parameter, required};
use super::{HashName, chain, policy, software_token, users};
use crate::context::Context;

type Responses = BTreeMap<String, String>;

pub(super) fn respond(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let challenge = required(&asked.challenge_name, "challengeName")?;
    let responses = asked.challenge_responses.as_ref();
    let name = parameter(responses, "USERNAME")?;
    let text = asked.session.as_deref().unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::missing_parameter("Session"));
    }
    let identity = users::find(&server.settings, cx, name);
    check_hash(server, &client, cx, identity.as_deref(), responses, name)?;
    let mut session = server.sessions.live(text, cx.now_ms)?;
    let Some(identity) = identity.filter(|identity| *identity == session.identity) else {
        return Err(foreign());
    };
    if session.client_id != client.id || session.challenge != challenge {
        return Err(foreign());
    }
    cx.about(&identity);
    users::forced(cx, &identity, "RespondToAuthChallenge")?;
    cx.accounts.get(&identity).map_or(Err(foreign()), users::standing)?;
    judge(server, cx, &mut session, responses)?;
    // Only a good answer uses the session up: after a wrong code it can be answered again.
    server.sessions.close(text);
    chain::advance(server, cx, &identity, &client.id, session.left)
}

fn check_hash(
    server: &Server,
    client: &Client,
    cx: &Context<'_>,
    identity: Option<&str>,
    responses: Option<&Responses>,
    typed: &str,
) -> Result<(), Refusal> {
    let hash = responses.and_then(|given| given.get("SECRET_HASH")).map(String::as_str);
    let account = identity.and_then(|identity| cx.accounts.get(identity));
    let internal = account.map(|account| users::internal_name(&server.settings, account));
    match (internal, server.settings.hash_name) {
        (Some(internal), HashName::Internal) => client.check_hash(hash, &[&internal]),
        (Some(internal), HashName::Either) => client.check_hash(hash, &[&internal, typed]),
        (None, _) => client.check_hash(hash, &[typed]),
    }
}

/// Takes the answer to the session's challenge, or refuses it.
fn judge(
    server: &mut Server,
    cx: &mut Context<'_>,
    session: &mut Session,
    responses: Option<&Responses>,
) -> Result<(), Refusal> {
    match session.challenge.as_str() {
        "NEW_PASSWORD_REQUIRED" => new_password(server, cx, session, responses),
        "SOFTWARE_TOKEN_MFA" => {
            let code = parameter(responses, "SOFTWARE_TOKEN_MFA_CODE")?;
            software_token::take_code(server, cx, &session.identity, code)
        }
        "SMS_MFA" => sent_code(cx, session, parameter(responses, "SMS_MFA_CODE")?),
        "SMS_OTP" => sent_code(cx, session, parameter(responses, "SMS_OTP_CODE")?),
        "EMAIL_OTP" => sent_code(cx, session, parameter(responses, "EMAIL_OTP_CODE")?),
        "SELECT_MFA_TYPE" => {
            let answer = parameter(responses, "ANSWER")?;
            let choices = attribute(cx, session, "mfa_choices");
            if !chain::list(&choices).any(|choice| choice == answer) {
                let text = format!("Invalid answer for challenge: {answer}");
                return Err(Refusal::invalid_parameter(text, "wrong_choice"));
            }
            session.left.push_front(answer.to_owned());
            Ok(())
        }
        "MFA_SETUP" => match &session.enrolment {
            Some(enrolment) if enrolment.verified => Ok(()),
            _ => Err(Refusal::new(
                "SoftwareTokenMFANotFoundException",
                "Software token MFA is not verified for the user.",
                "not_enrolled",
            )),
        },
        "CUSTOM_CHALLENGE" => {
            let answer = parameter(responses, "ANSWER")?;
            match attribute(cx, session, "custom_answer") == answer {
                true => Ok(()),
                false => Err(Refusal::incorrect("wrong_answer")),
            }
        }
        _ => Err(Refusal::invalid_parameter("Challenge not supported", "unknown_challenge")),
    }
}

fn attribute(cx: &Context<'_>, session: &Session, name: &str) -> String {
    let account = cx.accounts.get(&session.identity);
    account.and_then(|account| account.attributes.get(name)).cloned().unwrap_or_default()
}

fn sent_code(cx: &mut Context<'_>, session: &Session, code: &str) -> Result<(), Refusal> {
    if session.code.as_deref() != Some(code) {
        let text = "Invalid code or auth state for the user.";
        return Err(Refusal::new("CodeMismatchException", text, "wrong_code"));
    }
    cx.secret(code);
    Ok(())
}

fn new_password(
    server: &Server,
    cx: &mut Context<'_>,
    session: &Session,
    responses: Option<&Responses>,
) -> Result<(), Refusal> {
    let password = parameter(responses, "NEW_PASSWORD")?;
    let given = |name: &str| {
        responses.and_then(|given| given.get(&format!("userAttributes.{name}"))).cloned()
    };
    let wanted = attribute(cx, session, "required_attributes");
    if let Some(missing) = chain::list(&wanted).find(|name| given(name).is_none()) {
        let text = format!("Invalid attributes given, {missing} is missing");
        return Err(Refusal::invalid_parameter(text, "missing_attribute"));
    }
    policy::check(&server.settings, password)?;
    cx.secret(password);
    if let Some(account) = cx.accounts.get_mut(&session.identity) {
        password.clone_into(&mut account.password);
        account.temporary_password = None;
        account.must_change_password = false;
        account.attributes.remove("required_attributes");
        for (name, value) in responses.into_iter().flatten() {
            if let Some(name) = name.strip_prefix("userAttributes.") {
                account.attributes.insert(format!("user.{name}"), value.clone());
            }
        }
    }
    Ok(())
}
