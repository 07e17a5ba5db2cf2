//! `RespondToAuthChallenge`: one answer, then the next challenge or the tokens.

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::proof::Claim;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course, Session, foreign};
use super::wire::{Asked, Responses, parameter, required};
use super::{HashName, chain, policy, sign_in, software_token, users};
use crate::context::Context;

pub(super) fn respond(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let client = Client::of(asked, cx.accounts)?;
    let challenge = required(&asked.challenge_name, "challengeName")?;
    let responses = asked.challenge_responses.as_ref();
    let claim = match challenge {
        "PASSWORD_VERIFIER" => Some(Claim::of(responses)?),
        _ => None,
    };
    let name = parameter(responses, "USERNAME")?;
    let text = session_text(server, asked, claim.as_ref())?;
    let identity = users::find(&server.settings, cx, name);
    check_hash(server, &client, cx, identity.as_deref(), responses, name)?;
    let session = server.sessions.live(&text, cx.now_ms)?;
    let course = &session.course;
    let answering = identity.unwrap_or_else(|| name.to_owned());
    if answering != course.identity
        || course.client_id != client.id
        || session.challenge != challenge
    {
        return Err(foreign());
    }
    if !course.nobody {
        cx.about(&course.identity);
        users::forced(cx, &course.identity, "RespondToAuthChallenge")?;
    }
    let course = match claim {
        Some(claim) => proved(server, cx, &session, &claim)?,
        None => judge(server, cx, session, responses)?,
    };
    // Only a good answer uses the session up: after a wrong code it can be answered again.
    server.sessions.close(&text);
    chain::advance(server, cx, course)
}

/// The session of the answer: named by it, or by the secret block that comes with a proof.
fn session_text(server: &Server, asked: &Asked, claim: Option<&Claim>) -> Result<String, Refusal> {
    match (asked.session.as_deref().unwrap_or_default(), claim) {
        ("", None) => Err(Refusal::missing_parameter("Session")),
        ("", Some(claim)) => {
            let text = server.sessions.of_block(claim.block());
            text.map(str::to_owned).ok_or_else(|| Refusal::incorrect("unknown_block"))
        }
        (text, _) => Ok(text.to_owned()),
    }
}

/// Takes the proof of a password, or refuses it; answers what comes after it.
fn proved(
    server: &mut Server,
    cx: &mut Context<'_>,
    session: &Session,
    claim: &Claim,
) -> Result<Course, Refusal> {
    let (Awaited::Proof(proof), course) = (&session.awaited, &session.course) else {
        return Err(foreign());
    };
    let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    users::not_locked_out(account, cx.now_ms)?;
    if !proof.holds(server, cx.now_ms, claim) {
        users::count_failure(server, cx, &course.identity);
        return Err(Refusal::incorrect("wrong_proof"));
    }
    sign_in::accepted(cx, course.clone())
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

/// Takes the answer to the session's challenge, or refuses it; answers what comes after it.
fn judge(
    server: &mut Server,
    cx: &mut Context<'_>,
    session: Session,
    responses: Option<&Responses>,
) -> Result<Course, Refusal> {
    let Session { mut course, challenge, awaited, .. } = session;
    let account = cx.accounts.get(&course.identity).filter(|_| !course.nobody);
    account.map_or_else(|| Err(foreign()), users::standing)?;
    match challenge.as_str() {
        "NEW_PASSWORD_REQUIRED" => new_password(server, cx, &course, responses)?,
        "SOFTWARE_TOKEN_MFA" => {
            let code = parameter(responses, "SOFTWARE_TOKEN_MFA_CODE")?;
            software_token::take_code(server, cx, &course.identity, code)?;
        }
        "SMS_MFA" => sent_code(cx, &awaited, parameter(responses, "SMS_MFA_CODE")?)?,
        "SMS_OTP" => sent_code(cx, &awaited, parameter(responses, "SMS_OTP_CODE")?)?,
        "EMAIL_OTP" => sent_code(cx, &awaited, parameter(responses, "EMAIL_OTP_CODE")?)?,
        "SELECT_MFA_TYPE" => {
            let answer = parameter(responses, "ANSWER")?;
            let choices = attribute(cx, &course, "mfa_choices");
            if !chain::list(&choices).any(|choice| choice == answer) {
                let text = format!("Invalid answer for challenge: {answer}");
                return Err(Refusal::invalid_parameter(text, "wrong_choice"));
            }
            course.next(answer);
        }
        "MFA_SETUP" => match awaited {
            Awaited::Enrolment(enrolment) if enrolment.verified => {}
            _ => {
                return Err(Refusal::new(
                    "SoftwareTokenMFANotFoundException",
                    "Software token MFA is not verified for the user.",
                    "not_enrolled",
                ));
            }
        },
        "CUSTOM_CHALLENGE" => {
            let answer = parameter(responses, "ANSWER")?;
            if attribute(cx, &course, "custom_answer") != answer {
                return Err(Refusal::incorrect("wrong_answer"));
            }
        }
        _ => {
            return Err(Refusal::invalid_parameter("Challenge not supported", "unknown_challenge"));
        }
    }
    Ok(course)
}

fn attribute(cx: &Context<'_>, course: &Course, name: &str) -> String {
    let account = cx.accounts.get(&course.identity);
    account.and_then(|account| account.attributes.get(name)).cloned().unwrap_or_default()
}

fn sent_code(cx: &mut Context<'_>, awaited: &Awaited, code: &str) -> Result<(), Refusal> {
    if !matches!(awaited, Awaited::Code(sent) if sent == code) {
        let text = "Invalid code or auth state for the user.";
        return Err(Refusal::new("CodeMismatchException", text, "wrong_code"));
    }
    cx.secret(code);
    Ok(())
}

fn new_password(
    server: &Server,
    cx: &mut Context<'_>,
    course: &Course,
    responses: Option<&Responses>,
) -> Result<(), Refusal> {
    let password = parameter(responses, "NEW_PASSWORD")?;
    let given = |name: &str| {
        responses.and_then(|given| given.get(&format!("userAttributes.{name}"))).cloned()
    };
    let wanted = attribute(cx, course, "required_attributes");
    if let Some(missing) = chain::list(&wanted).find(|name| given(name).is_none()) {
        let text = format!("Invalid attributes given, {missing} is missing");
        return Err(Refusal::invalid_parameter(text, "missing_attribute"));
    }
    policy::check(&server.settings, password)?;
    cx.secret(password);
    if let Some(account) = cx.accounts.get_mut(&course.identity) {
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
