//! What a failure of the password flow means. There are no machine-readable codes: status and
//! operation decide, the prose is kept as detail only.

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};

use crate::wire;

/// The error for an answer that is no success, or a success status with a failure inside.
pub(crate) fn refused(operation: &Operation, response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let page = response.is_html();
    let mut error = table(operation.name(), status.as_u16(), response, now);
    let possible = status.is_success() || (page && status.is_client_error());
    if possible && error.kind() != ErrorKind::Protocol {
        // A page is the word of a gateway, and a success status contradicts its body: neither is
        // IBEX saying a plain no.
        error = error.with_certainty(Certainty::Possible);
    }
    error = error.with_status(status);
    match wire::prose(response) {
        Some(text) => error.with_detail(&text),
        None => error,
    }
}

/// (operation, status) → what happened, how to go on, and what it usually means. A success status
/// stands for 400 here: its body reported a failure.
fn table(operation: &str, status: u16, response: &HttpResponse, now: Timestamp) -> Error {
    let refuse = Error::new;
    match (operation, status) {
        (_, 300..=399) => redirected(),
        (_, 408 | 425 | 500..=599) => refuse(ErrorKind::TemporarilyUnavailable)
            .with_recovery(retry_after(response, now))
            .hint("the hub or a gateway before it fails; the same call can succeed later"),
        (_, 429) => refuse(ErrorKind::RateLimited)
            .with_recovery(retry_after(response, now))
            .hint("too many requests; IBEX documents neither a limit nor a waiting time"),
        // At a sign-in a page may stand before a refused password, which must not be sent again and again.
        ("refresh", 400..=499) if response.is_html() => refuse(ErrorKind::Protocol)
            .hint("the answer is a web page: a gateway or a wrong address answers in the hub's place"),

        ("sign_in", 200..=299 | 400 | 404) => refuse(ErrorKind::InvalidGrant)
            .hint("the e-mail address or the password is wrong; correct them before trying again, repeated failures can get the account blocked"),
        ("sign_in", 403) => refuse(ErrorKind::InvalidGrant)
            .hint("the e-mail address or the password is wrong, or the account is blocked; correct the credentials, or ask IBEX to unblock the account"),
        ("sign_in", 401) => refuse(ErrorKind::InvalidGrant)
            .with_certainty(Certainty::Possible)
            .hint("the credentials seem to be refused; IBEX does not document this status at sign-in"),

        ("refresh", 200..=299 | 400 | 401 | 403 | 404) => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::Reauthenticate)
            .hint("the refresh token is expired (after 7 days), revoked or malformed; sign in again"),

        ("revoke", 200..=299 | 400 | 401 | 403 | 404) => refuse(ErrorKind::InvalidGrant)
            .with_recovery(Recovery::GiveUp)
            .with_certainty(Certainty::Possible)
            .hint("the refresh token was not taken; it may have ended already, or it may still live"),

        ("change_password", 401) => refuse(ErrorKind::InvalidToken)
            .hint("the access token is refused: expired, revoked, or presented in the form that this endpoint does not take; sign in again, or set the header form of change-password"),
        ("change_password", 200..=299 | 400) => refuse(ErrorKind::PasswordRefused)
            .with_certainty(Certainty::Possible)
            .hint("the previous password is wrong or the new one is refused; the answer does not tell which"),

        ("register", 200..=299 | 400 | 401) => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .with_certainty(Certainty::Possible)
            .hint("the temporary password is wrong or too old, the account is complete already, or the new password is refused; the answer does not tell which"),

        ("confirm_forgot_password", 200..=299 | 400 | 401) => refuse(ErrorKind::CodeMismatch)
            .with_certainty(Certainty::Possible)
            .hint("the temporary password is wrong or too old, or the new password is refused; the answer does not tell which"),

        ("forgot_password", 200..=299 | 400 | 401) => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .hint("the request was refused; check the e-mail address"),

        (_, 404) => refuse(ErrorKind::InvalidRequest)
            .with_recovery(Recovery::AskUser)
            .hint("there is no account with this e-mail address; check it, then check the address of the hub"),
        (_, 403) => refuse(ErrorKind::AccessDenied)
            .hint("the account may not do this, or it is blocked; ask IBEX"),
        _ => refuse(ErrorKind::InvalidRequest)
            .with_certainty(Certainty::Possible)
            .hint("the hub does not take this request; check the address of the hub"),
    }
}

/// An auth call follows no redirect: the password would go where the redirect points.
pub(crate) fn redirected() -> Error {
    Error::new(ErrorKind::Protocol).hint(
        "the answer is a redirect, which a call with credentials does not follow; correct the configured address (scheme, host, path)",
    )
}

/// When to try again: at the instant of `Retry-After`, else after a back-off.
pub(crate) fn retry_after(response: &HttpResponse, now: Timestamp) -> Recovery {
    response.retry_after(now).map_or(Recovery::Retry, Recovery::WaitUntil)
}
