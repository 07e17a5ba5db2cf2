//! `USER_AUTH`: the user chooses the first factor.

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::Course;
use super::sign_in::{checked_name, course_of, password_shown};
use super::wire::{Asked, Responses};
use super::{Settings, chain, proof, users};
use crate::account::Account;
use crate::context::Context;

pub(super) fn begin(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let name = checked_name(client, given)?;
    let mut course = course_of(server, cx, name, &client.id, AuthFlow::User)?;
    if let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) {
        users::may_begin(account)?;
        users::forced(cx, &course.identity, "InitiateAuth")?;
    }
    let offered = offered(&server.settings, cx, &course);
    let preferred = given.and_then(|given| given.get("PREFERRED_CHALLENGE"));
    let course = match preferred.filter(|preferred| offered.contains(preferred)) {
        Some(preferred) => take(server, cx, course, preferred, given)?,
        None => {
            course.next("SELECT_CHALLENGE");
            course
        }
    };
    chain::advance(server, cx, course)
}

/// What the user may choose from. One who has to change a temporary password is offered passwords alone, as seen live.
pub(super) fn offered(settings: &Settings, cx: &Context<'_>, course: &Course) -> Vec<String> {
    let account = cx.accounts.get(&course.identity).filter(|_| !course.nobody);
    let own = account.and_then(|account| account.attributes.get("first_factors"));
    let names: Vec<String> = match own {
        Some(own) => chain::list(own).map(str::to_owned).collect(),
        None => settings.first_factors.clone(),
    };
    names.into_iter().filter(|name| account.is_none_or(|of| can_have(of, name))).collect()
}

/// Goes on with the factor that was chosen, with what came along for it.
pub(super) fn take(
    server: &mut Server,
    cx: &mut Context<'_>,
    mut course: Course,
    choice: &str,
    given: Option<&Responses>,
) -> Result<Course, Refusal> {
    let has = |name: &str| given.is_some_and(|given| given.contains_key(name));
    match choice {
        "PASSWORD" if has("PASSWORD") => return password_shown(server, cx, course, given),
        "PASSWORD_SRP" if has("SRP_A") => {
            course.srp_a = Some(proof::public_number(given)?);
            course.next("PASSWORD_VERIFIER");
        }
        other => course.next(other),
    }
    Ok(course)
}

/// What `ANSWER` chose.
///
/// # Errors
/// `InvalidParameterException` for what was not offered.
pub(super) fn chosen(
    server: &mut Server,
    cx: &mut Context<'_>,
    course: Course,
    given: Option<&Responses>,
) -> Result<Course, Refusal> {
    let answer = super::wire::parameter(given, "ANSWER")?;
    if !offered(&server.settings, cx, &course).iter().any(|name| name == answer) {
        return Err(not_offered(answer));
    }
    take(server, cx, course, answer, given)
}

/// The refusal of a choice that was not given.
pub(super) fn not_offered(answer: &str) -> Refusal {
    let text = format!("Invalid answer for challenge: {answer}");
    Refusal::invalid_parameter(text, "wrong_choice")
}

fn can_have(account: &Account, name: &str) -> bool {
    match name {
        "PASSWORD" | "PASSWORD_SRP" => !users::opening_password(account).is_empty(),
        _ if account.must_change_password => false,
        "EMAIL_OTP" => users::attribute(account, "email").is_some(),
        "SMS_OTP" => users::attribute(account, "phone_number").is_some(),
        _ => true,
    }
}
