//! What a failure means: operation, status and the two sentences that mean "not signed in".

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};

use crate::config::Igny8;
use crate::envelope::Envelope;

/// The error for an answer that is no success, or whose envelope says so.
pub(crate) fn refused(
    settings: &Igny8,
    operation: &Operation,
    response: &HttpResponse,
    now: Timestamp,
) -> Error {
    let status = response.status();
    let envelope = Envelope::of_failure(response.body().expose_bytes());
    let mut error = table(settings, operation.name(), status.as_u16(), &envelope, response, now);
    let page = response.is_html() && status.is_client_error();
    if (page || status.is_success()) && error.kind() != ErrorKind::Protocol {
        // A page is the word of Django or a proxy, and a success status contradicts its envelope:
        // neither is a plain no.
        error = error.with_certainty(Certainty::Possible);
    }
    error
        .with_status(status)
        .with_fields(envelope.fields())
        .with_request_id(envelope.request_id())
        .with_detail(&envelope.prose())
}

/// (operation, status, text) → what happened, how to go on, and what it usually means. A success
/// status stands for 400 here: its envelope reported a failure.
fn table(
    settings: &Igny8,
    operation: &str,
    status: u16,
    envelope: &Envelope,
    response: &HttpResponse,
    now: Timestamp,
) -> Error {
    let refuse = Error::new;
    let status = if (200..300).contains(&status) { 400 } else { status };
    match (operation, status) {
        (_, 300..=399) => refuse(ErrorKind::Protocol).hint(
            "the answer is a redirect, which a call with credentials does not follow; correct the configured address and keep the slash at the end of each path",
        ),
        (_, 408 | 425 | 500..=599) => refuse(ErrorKind::TemporarilyUnavailable)
            .with_recovery(wait(response, now))
            .hint("the API or a proxy before it fails; the same call can succeed later"),
        (_, 429) => refuse(ErrorKind::RateLimited)
            .with_recovery(wait(response, now))
            .hint("throttled; 20 authentication calls a minute are allowed, 5 for some"),
        (_, 404 | 405) if operation != "refresh" => refuse(ErrorKind::Protocol)
            .hint("there is no such endpoint at this address; the vendor's pages disagree on paths, which are settings"),

        ("sign_in", 401) => refuse(ErrorKind::InvalidGrant)
            .hint("the e-mail address or the password is wrong; correct them before trying again"),
        ("sign_in", 400) if envelope.fields().is_empty() => refuse(ErrorKind::InvalidGrant)
            .with_certainty(Certainty::Possible)
            .hint("the sign-in is refused without naming a field; probably the e-mail address or the password is wrong"),
        ("sign_in", 400) => refuse(ErrorKind::InvalidRequest)
            .hint("the API does not take these fields; check the e-mail address"),

        // A page with 404 or 405 is what Django says to a path that it does not have.
        ("refresh", 400..=403) if response.is_html() => refuse(ErrorKind::Protocol)
            .hint("the answer is a web page: a proxy or a wrong address answers in the API's place"),
        ("refresh", 400 | 401) => dead_refresh_token(),
        ("refresh", 403) if envelope.says_not_signed_in() => dead_refresh_token(),
        ("refresh", 404 | 405) => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::Reauthenticate)
            .with_certainty(Certainty::Possible)
            .hint("there is no refresh at this path; set the path of your server, until then every renewal is a sign-in"),

        ("register", 400 | 409) if envelope.complains_about("password") => {
            refuse(ErrorKind::PasswordRefused)
        }
        ("register", 400 | 409) => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .hint("the registration is refused; the fields tell what is missing, taken or malformed"),

        ("change_password", 401) => access_token_refused(),
        ("change_password", 403) if envelope.says_not_signed_in() => access_token_refused(),
        ("change_password", 400) if envelope.complains_about(&settings.old_password) => {
            refuse(ErrorKind::InvalidGrant)
                .hint("the password in use is refused, or its field has another name on this server")
        }
        ("change_password", 400) if envelope.complains_about(&settings.new_password) => {
            refuse(ErrorKind::PasswordRefused)
        }
        ("change_password", 400) => refuse(ErrorKind::PasswordRefused)
            .with_certainty(Certainty::Possible)
            .hint("the password in use is wrong or the new one is refused; the answer does not tell which"),

        ("revoke", 400..=403) => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::GiveUp)
            .with_certainty(Certainty::Possible)
            .hint("the logout was not taken; the tokens may have ended already, or they may still live"),

        ("sign_in", 403) if envelope.says_not_signed_in() => refuse(ErrorKind::InvalidGrant)
            .with_certainty(Certainty::Possible)
            .hint("the API reports that nobody is signed in, on a call that needs no token; probably the e-mail address or the password is wrong"),
        ("sign_in" | "refresh", 402 | 403) => refuse(ErrorKind::AccountDisabled)
            .with_certainty(Certainty::Possible)
            .hint("the account may be suspended, cancelled, inactive or without a plan, or it lacks the right; see to it in IGNY8"),
        (_, 401..=403) => refuse(ErrorKind::AccessDenied)
            .hint("the account lacks the right, is suspended or has no plan; another token would not help"),
        _ => refuse(ErrorKind::InvalidRequest)
            .with_certainty(Certainty::Possible)
            .hint("the API does not take this request; check the address and the paths"),
    }
}

fn dead_refresh_token() -> Error {
    Error::new(ErrorKind::InvalidGrant)
        .with_recovery(Recovery::Reauthenticate)
        .hint("the refresh token is expired, spent or malformed; sign in again")
}

fn access_token_refused() -> Error {
    Error::new(ErrorKind::InvalidToken)
        .hint("the access token is expired or refused; sign in again, then change the password")
}

/// When to try again: `X-Throttle-Reset` (Unix seconds), else `Retry-After` as seconds or as a date
/// (RFC 9110 §10.2.3), else after a back-off.
fn wait(response: &HttpResponse, now: Timestamp) -> Recovery {
    let reset = response.header("x-throttle-reset").and_then(|text| text.trim().parse().ok());
    let reset = reset.map(Timestamp::from_seconds).filter(|until| *until > now);
    reset.or_else(|| response.retry_after(now)).map_or(Recovery::Retry, Recovery::WaitUntil)
}
