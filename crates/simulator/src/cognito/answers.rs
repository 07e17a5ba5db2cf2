//! Which answer to a challenge is a good one, and what comes after it.

use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course, Session};
use super::wire::{Responses, parameter};
use super::{
    chain, custom, device, factors, first_factor, policy, proof, sign_in, software_token, users,
};
use crate::context::Context;

/// Takes the answer to the session's challenge, or refuses it; answers what comes after it. Proofs have their own
/// place.
pub(super) fn judge(
    server: &mut Server,
    cx: &mut Context<'_>,
    text: &str,
    session: Session,
    responses: Option<&Responses>,
) -> Result<Course, Refusal> {
    let Session { mut course, challenge, awaited, .. } = session;
    if let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) {
        users::standing(account)?;
    }
    match challenge.as_str() {
        "SELECT_CHALLENGE" => return first_factor::chosen(server, cx, course, responses),
        "PASSWORD" => return sign_in::password_shown(server, cx, course, responses),
        "PASSWORD_SRP" => {
            course.srp_a = Some(proof::public_number(responses)?);
            course.next("PASSWORD_VERIFIER");
        }
        "WEB_AUTHN" => {
            let _ = parameter(responses, "CREDENTIAL")?;
            return Err(Refusal::incorrect("wrong_credential"));
        }
        "DEVICE_SRP_AUTH" => return device::begin(server, course, responses),
        custom::CHALLENGE => return custom::take(server, cx, (text, &awaited), course, responses),
        "NEW_PASSWORD_REQUIRED" => new_password(server, cx, &course, responses)?,
        factors::TOTP => {
            let code = parameter(responses, "SOFTWARE_TOKEN_MFA_CODE")?;
            software_token::take_code(server, cx, &course.identity, code)?;
        }
        "SMS_MFA" | "SMS_OTP" | "EMAIL_OTP" => {
            let code = parameter(responses, &format!("{challenge}_CODE"))?;
            sent_code(cx, &awaited, code)?;
        }
        "SELECT_MFA_TYPE" => {
            let answer = parameter(responses, "ANSWER")?;
            let choices = cx.accounts.get(&course.identity).map(factors::choices);
            if !choices.unwrap_or_default().iter().any(|choice| choice == answer) {
                return Err(first_factor::not_offered(answer));
            }
            course.next(answer);
        }
        "MFA_SETUP" => match responses.and_then(|given| given.get("EMAIL")) {
            Some(address) if server.settings.mfa_setup_by_email => {
                set_up_email(cx, &course, address)?;
                course.next("EMAIL_OTP");
            }
            _ => set_up(cx, &course, &awaited)?,
        },
        _ => {
            return Err(Refusal::invalid_parameter("Challenge not supported", "unknown_challenge"));
        }
    }
    Ok(course)
}

/// The secret must have been verified, and is a factor from now on.
fn set_up(cx: &mut Context<'_>, course: &Course, awaited: &Awaited) -> Result<(), Refusal> {
    if !matches!(awaited, Awaited::Enrolment(enrolment) if enrolment.verified) {
        let text = "Software token MFA is not verified for the user.";
        return Err(Refusal::new("SoftwareTokenMFANotFoundException", text, "not_enrolled"));
    }
    if let Some(account) = cx.accounts.get_mut(&course.identity) {
        factors::enable(account, factors::TOTP);
    }
    Ok(())
}

/// The address is where codes go from now on; the one that follows shows that it is the user's.
fn set_up_email(cx: &mut Context<'_>, course: &Course, address: &str) -> Result<(), Refusal> {
    if !address.contains('@') {
        let text = "Invalid email address format.";
        return Err(Refusal::invalid_parameter(text, "malformed_address"));
    }
    if let Some(account) = cx.accounts.get_mut(&course.identity) {
        account.attributes.insert("user.email".to_owned(), address.to_owned());
        factors::enable(account, "EMAIL_OTP");
    }
    Ok(())
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
    let account = cx.accounts.get(&course.identity);
    let wanted = account.and_then(|account| account.attributes.get("required_attributes")).cloned();
    if let Some(missing) =
        chain::list(wanted.as_deref().unwrap_or_default()).find(|name| given(name).is_none())
    {
        let text = format!("Invalid attributes given, {missing} is missing");
        return Err(Refusal::invalid_parameter(text, "missing_attribute"));
    }
    policy::check(&server.settings, password)?;
    cx.secret(password);
    if let Some(account) = cx.accounts.get_mut(&course.identity) {
        account.choose_password(password);
        account.attributes.remove("required_attributes");
        for (name, value) in responses.into_iter().flatten() {
            if let Some(name) = name.strip_prefix("userAttributes.") {
                account.attributes.insert(format!("user.{name}"), value.clone());
            }
        }
    }
    Ok(())
}
