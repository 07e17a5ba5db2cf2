//! `InitiateAuth`: the flows.

use bytes::Bytes;
use http::Response;

use super::clients::Client;
use super::flow::AuthFlow;
use super::refusal::Refusal;
use super::server::Server;
use super::sessions::Course;
use super::wire::{Asked, Responses, parameter, required};
use super::{chain, custom, device, first_factor, proof, refresh, users};
use crate::context::Context;

/// The names that the model has, in its order.
const FLOWS: [&str; 8] = [
    "USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
    "CUSTOM_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "USER_AUTH",
];

pub(super) fn initiate(
    server: &mut Server,
    asked: &Asked,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let name = required(&asked.auth_flow, "authFlow")?;
    let client = Client::of(asked, cx.accounts)?;
    let flow = AuthFlow::named(name).filter(|flow| client.allows(&server.settings, *flow));
    match flow {
        Some(AuthFlow::Refresh) => refresh::by_flow(server, asked, &client, cx),
        Some(AuthFlow::UserPassword) => by_password(server, asked, &client, cx),
        Some(AuthFlow::UserSrp) => by_srp(server, asked, &client, cx),
        Some(AuthFlow::Custom) => custom::begin(server, asked, &client, cx),
        Some(AuthFlow::User) => first_factor::begin(server, asked, &client, cx),
        // Flows of an administrator are signed calls of other operations.
        None if FLOWS.contains(&name) => Err(AuthFlow::not_enabled(name)),
        None => {
            let text = format!(
                "1 validation error detected: Value '{name}' at 'authFlow' failed to satisfy constraint: Member must \
                 satisfy enum value set: [{}]",
                FLOWS.join(", ")
            );
            Err(Refusal::invalid_parameter(text, "unknown_flow"))
        }
    }
}

/// The user of a name typed by somebody who is not signed in.
///
/// # Errors
/// `UserNotFoundException`, where existence is not hidden; else `hidden`.
pub(super) fn typed_user(
    server: &Server,
    cx: &mut Context<'_>,
    name: &str,
    hidden: fn() -> Refusal,
) -> Result<String, Refusal> {
    match users::find(&server.settings, cx, name) {
        Some(identity) => {
            cx.about(&identity);
            Ok(identity)
        }
        None if server.settings.hide_unknown_users => Err(hidden()),
        None => Err(Refusal::new("UserNotFoundException", "User does not exist.", "unknown_user")),
    }
}

fn by_password(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let name = checked_name(client, given)?;
    let _ = parameter(given, "PASSWORD")?;
    let identity = typed_user(server, cx, name, || Refusal::incorrect("unknown_user"))?;
    let course = Course::new(&identity, &client.id, AuthFlow::UserPassword);
    let course = password_shown(server, cx, course, given)?;
    chain::advance(server, cx, course)
}

/// The user may be nobody, where that is hidden: then the challenge is one that nobody can answer.
fn by_srp(
    server: &mut Server,
    asked: &Asked,
    client: &Client,
    cx: &mut Context<'_>,
) -> Result<Response<Bytes>, Refusal> {
    let given = asked.auth_parameters.as_ref();
    let name = checked_name(client, given)?;
    let public_a = proof::public_number(given)?;
    let mut course = course_of(server, cx, name, &client.id, AuthFlow::UserSrp)?;
    if let Some(account) = cx.accounts.get(&course.identity) {
        users::may_begin(account)?;
        users::forced(cx, &course.identity, "InitiateAuth")?;
    }
    course.srp_a = Some(public_a);
    course.next("PASSWORD_VERIFIER");
    chain::advance(server, cx, course)
}

/// `USERNAME`, with the hash of the secret that is made of it.
pub(super) fn checked_name<'a>(
    client: &Client,
    given: Option<&'a Responses>,
) -> Result<&'a str, Refusal> {
    let name = parameter(given, "USERNAME")?;
    let hash = given.and_then(|given| given.get("SECRET_HASH"));
    client.check_hash(hash.map(String::as_str), &[name])?;
    Ok(name)
}

/// The beginning of a sign-in under that name, also of nobody's where that is hidden.
pub(super) fn course_of(
    server: &Server,
    cx: &mut Context<'_>,
    name: &str,
    client_id: &str,
    flow: AuthFlow,
) -> Result<Course, Refusal> {
    match typed_user(server, cx, name, || Refusal::incorrect("unknown_user")) {
        Ok(identity) => Ok(Course::new(&identity, client_id, flow)),
        Err(_) if server.settings.hide_unknown_users => {
            Ok(Course { nobody: true, ..Course::new(name, client_id, flow) })
        }
        Err(refusal) => Err(refusal),
    }
}

/// The password itself was sent; answers the course with what comes after it.
pub(super) fn password_shown(
    server: &mut Server,
    cx: &mut Context<'_>,
    course: Course,
    given: Option<&Responses>,
) -> Result<Course, Refusal> {
    let password = parameter(given, "PASSWORD")?;
    let Some(account) = cx.accounts.get(&course.identity).filter(|_| !course.nobody) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    users::not_locked_out(account, cx.now_ms)?;
    if users::opening_password(account) != password {
        users::count_failure(server, cx, &course.identity);
        return Err(Refusal::incorrect("wrong_password"));
    }
    cx.secret(password);
    users::forced(cx, &course.identity, "InitiateAuth")?;
    accepted(server, cx, course, given)
}

/// The user has shown or proved the password; answers the course with what comes after it.
///
/// # Errors
/// What refuses a user who may not get tokens, or a device.
pub(super) fn accepted(
    server: &Server,
    cx: &mut Context<'_>,
    mut course: Course,
    given: Option<&Responses>,
) -> Result<Course, Refusal> {
    let now_s = cx.now_s();
    let device_key = given.and_then(|given| given.get("DEVICE_KEY")).map(String::as_str);
    let Some(account) = cx.accounts.get_mut(&course.identity) else {
        return Err(Refusal::incorrect("unknown_user"));
    };
    users::standing(account)?;
    let until_s = account.attributes.get("temporary_password_until_s");
    if account.must_change_password
        && until_s.and_then(|until| until.parse::<i64>().ok()).is_some_and(|until| now_s >= until)
    {
        let text = "Temporary password has expired and must be reset by an administrator.";
        return Err(Refusal::not_authorized(text, "temporary_password_expired"));
    }
    course.left = chain::of(&server.settings, &course, account);
    let course = device::joined(server, course, device_key)?;
    account.failed_attempts = 0;
    account.locked_until_ms = None;
    Ok(course)
}
