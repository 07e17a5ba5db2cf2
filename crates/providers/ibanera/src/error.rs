//! What a failure means: the message code first, then the status.

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};

use crate::config::Ibanera;
use crate::envelope::Failure;

/// The error for an answer that is no success, or whose envelope says so.
pub(crate) fn refused(
    settings: &Ibanera,
    operation: &Operation,
    response: &HttpResponse,
    now: Timestamp,
) -> Error {
    let status = response.status();
    let failure = Failure::of(response.body().expose_bytes());
    let code = failure.code().unwrap_or_default();
    // An envelope that says no is Ibanera's own no, whatever the status around it.
    let no = status.is_success() && failure.says_no();
    let judged = if no { 400 } else { status.as_u16() };
    let error = table(settings, operation.name(), judged, code, response, now);
    error.with_status(status).with_code(code).with_fields(failure.fields())
}

/// (operation, status, code) → what happened, how to go on, and what it usually means. A server fault
/// outranks every code; a code outranks the rest.
fn table(
    settings: &Ibanera,
    operation: &str,
    status: u16,
    code: &str,
    response: &HttpResponse,
    now: Timestamp,
) -> Error {
    let refuse = Error::new;
    match (operation, status, code) {
        (_, 300..=399, _) => refuse(ErrorKind::Protocol).hint(
            "the answer is a redirect, which a call with credentials does not follow; correct the configured address (scheme, host, path)",
        ),
        (_, 408 | 425 | 500..=599, _) => refuse(ErrorKind::TemporarilyUnavailable)
            .with_recovery(retry_after(response, now))
            .hint("Ibanera or a gateway before it fails; the same call can succeed later"),

        (_, _, "Account_Locked") => refuse(ErrorKind::AccountLocked)
            .with_recovery(Recovery::WaitUntil(now.after(settings.lockout)))
            .hint("too many failed sign-ins have locked the account, for 10 minutes as documented; find the cause before the lock ends: password, shared secret, its encoding, the clock"),
        (_, _, "Account_Suppressed") => refuse(ErrorKind::AccountDisabled)
            .hint("the account is inactive; ask the support of Ibanera"),
        (_, _, "Account_Not_Verified") => refuse(ErrorKind::AccountUnverified)
            .hint("the account is not permitted to use the API yet; ask the support of Ibanera"),

        // A page with 404 or 405 is what a wrong path meets.
        ("refresh", 400..=403, _) if response.is_html() => refuse(ErrorKind::Protocol)
            .hint("the answer is a web page: a gateway or a wrong address answers in Ibanera's place"),
        ("refresh", 200..=299 | 400..=428 | 430..=499, known) => {
            let certainty = match (status, known) {
                (401, _) | (_, "Username_Or_Password_Incorrect") => Certainty::Certain,
                _ => Certainty::Possible,
            };
            refuse(ErrorKind::InvalidGrant)
                .with_recovery(Recovery::Reauthenticate)
                .with_certainty(certainty)
                .hint("the refresh token was not taken, or the configured refresh path is wrong; sign in again")
        }

        (_, _, "Username_Or_Password_Incorrect") => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::WaitUntil(next_step(settings, now)))
            .with_certainty(Certainty::Possible)
            .hint("user name, password or one-time code is wrong, Ibanera does not tell which; check the credentials, the encoding of the shared secret (base32 or raw) and the clock; failures lock the account"),
        (_, _, "Required") => refuse(ErrorKind::InvalidRequest)
            .hint("Ibanera misses a required field; the user name or password may be empty"),

        (_, 429, _) => refuse(ErrorKind::RateLimited)
            .with_recovery(retry_after(response, now))
            .hint("too many requests; Ibanera documents no limit"),
        (_, 401, "") => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::WaitUntil(next_step(settings, now)))
            .with_certainty(Certainty::Possible)
            .hint("the sign-in was refused without a reason; check the credentials, the encoding of the shared secret and the clock"),
        (_, 403, "") => refuse(ErrorKind::AccessDenied)
            .with_certainty(Certainty::Possible)
            .hint("the sign-in was refused without a reason; the account may lack the right, or a gateway refuses this network"),
        (_, 404 | 405, "") => refuse(ErrorKind::Protocol)
            .hint("there is no login at this address; the base address ends before `/api/v1`"),
        (_, 200..=299, "") => refuse(ErrorKind::Protocol)
            .hint("the envelope says neither success nor failure"),
        (_, _, "") => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .with_certainty(Certainty::Possible)
            .hint("the sign-in was refused without a message code; check user name, password and shared secret"),
        _ => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .with_certainty(Certainty::Possible)
            .hint("the sign-in was refused with a message code that is not documented; ask the support of Ibanera what it means"),
    }
}

/// When the next code begins: a code is not worth trying twice.
fn next_step(settings: &Ibanera, now: Timestamp) -> Timestamp {
    let step = i64::try_from(settings.totp_period.as_millis()).unwrap_or(i64::MAX).max(1);
    let begun = now.as_millis().div_euclid(step).saturating_mul(step);
    Timestamp::from_millis(begun).shifted(step)
}

/// When to try again: at the instant of `Retry-After`, else after a back-off.
fn retry_after(response: &HttpResponse, now: Timestamp) -> Recovery {
    response.retry_after(now).map_or(Recovery::Retry, Recovery::WaitUntil)
}
