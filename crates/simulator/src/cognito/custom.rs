//! `CUSTOM_AUTH`: challenges of the pool's owner, by itself or after a proof of the password.
//!
//! The service asks functions of the owner what to show and whether an answer is right; here the account's attributes
//! say it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::{Awaited, Course};
use super::sign_in::{checked_name, course_of};
use super::wire::{Asked, Responses, parameter};
use super::{chain, proof, users};
use crate::account::Account;
use crate::context::Context;

pub(super) const CHALLENGE: &str = "CUSTOM_CHALLENGE";

pub(super) fn begin(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let name = checked_name(client, given)?;
    let proved_first =
        given.and_then(|given| given.get("CHALLENGE_NAME")).is_some_and(|name| name == "SRP_A");
    let public_a = proved_first.then(|| proof::public_number(given)).transpose()?;
    let mut course = course_of(server, cx, name, &client.id, AuthFlow::Custom)?;
    if let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) {
        users::may_begin(account)?;
        if !account.attributes.contains_key("custom_answer") {
            let text = "Custom auth lambda trigger is not configured for the user pool.";
            return Err(Refusal::invalid_parameter(text, "no_custom_challenge"));
        }
        users::forced(cx, &course.identity, "InitiateAuth")?;
    }
    course.next(if proved_first { "PASSWORD_VERIFIER" } else { CHALLENGE });
    course.srp_a = public_a;
    chain::advance(server, cx, course)
}

/// What the challenge shows: the attributes `custom.NAME`.
pub(super) fn parameters(account: &Account) -> BTreeMap<String, String> {
    let own = account.attributes.iter();
    own.filter_map(|(name, value)| Some((name.strip_prefix("custom.")?.to_owned(), value.clone())))
        .collect()
}

/// How often the user may try.
pub(super) fn tries(account: Option<&Account>) -> u32 {
    let tries = account.and_then(|account| account.attributes.get("custom_attempts")?.parse().ok());
    tries.unwrap_or(1)
}

/// Takes an answer. A wrong one uses the session up; where a try is left, the challenge is asked again in a new one.
///
/// # Errors
/// `NotAuthorizedException` after the last wrong answer.
pub(super) fn take(
    server: &mut Server,
    cx: &mut Context<'_>,
    (text, awaited): (&str, &Awaited),
    mut course: Course,
    responses: Option<&Responses>,
) -> Result<Course, Refusal> {
    let answer = parameter(responses, "ANSWER")?;
    let account = cx.accounts.get(&course.identity).filter(|_| !course.nobody);
    let wanted = account.and_then(|account| account.attributes.get("custom_answer"));
    if wanted.is_some_and(|wanted| wanted == answer) {
        cx.secret(answer);
        course.tries = 0;
        return Ok(course);
    }
    server.sessions.close(text);
    let left = match awaited {
        Awaited::Tries(tries) => tries.saturating_sub(1),
        _ => 0,
    };
    if left == 0 {
        return Err(Refusal::incorrect("wrong_answer"));
    }
    cx.refuse("wrong_answer");
    course.tries = left;
    course.next(CHALLENGE);
    Ok(course)
}
