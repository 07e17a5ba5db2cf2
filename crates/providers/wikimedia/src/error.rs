//! What a refusal means: by operation, then status and text, in one table.
//!
//! There are no machine codes. A 401 is the provider's word for nearly every failure behind it, an outage
//! included, so most of these verdicts are possible rather than certain.

use std::borrow::Cow;

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};
use http::StatusCode;

use crate::config::Wikimedia;
use crate::wire::Refusal;

/// Which path was called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Login,
    NewPassword,
    Refresh,
    Revoke,
    Forgot,
    Confirm,
    ChangePassword,
    GetUser,
}

/// What a row advises, where it is not what is usual for its kind.
#[derive(Clone, Copy)]
enum Then {
    Usual,
    Reauthenticate,
    /// The one slow retry that tells an outage from a refusal.
    SlowRetry,
    AskUser,
}

struct Row {
    /// `None`: any.
    call: Option<Call>,
    status: u16,
    /// Occurs in the message, without regard to case; empty: any message, also none.
    text: &'static str,
    kind: ErrorKind,
    certainty: Certainty,
    then: Then,
    /// Empty: none.
    code: &'static str,
    /// Empty: what is usual for the kind.
    hint: &'static str,
}

const fn sure(call: Option<Call>, status: u16, text: &'static str, kind: ErrorKind) -> Row {
    let (certainty, then) = (Certainty::Certain, Then::Usual);
    Row { call, status, text, kind, certainty, then, code: "", hint: "" }
}

const fn doubtful(call: Call, status: u16, text: &'static str, kind: ErrorKind) -> Row {
    Row { certainty: Certainty::Possible, ..sure(Some(call), status, text, kind) }
}

/// An exception of the pool, named in the text of a refused confirmation.
const fn confirm(text: &'static str, kind: ErrorKind) -> Row {
    named(Call::Confirm, text, kind)
}

/// An exception of the pool, named in the text. Where the provider hides it, the rows without a text hold.
const fn named(call: Call, text: &'static str, kind: ErrorKind) -> Row {
    Row { code: text, ..sure(Some(call), 401, text, kind) }
}

impl Row {
    const fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    const fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }
}

/// The first row that fits holds.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    sure(None, 422, "", ErrorKind::InvalidRequest)
        .hint("a field is missing, empty or too long; the provider's text says to try again later, which does not help"),

    doubtful(Call::Login, 401, "", ErrorKind::InvalidGrant).then(Then::SlowRetry)
        .hint("user name or password is wrong, the account is not confirmed, must be reset or is locked, or the provider's own pool fails: it says the same to all"),

    named(Call::NewPassword, "InvalidPasswordException", ErrorKind::PasswordRefused),
    named(Call::NewPassword, "PasswordHistoryPolicyViolationException", ErrorKind::PasswordRefused)
        .hint("the new password was used before"),
    doubtful(Call::NewPassword, 401, "", ErrorKind::ChallengeExpired)
        .hint("the challenge has expired, or the new password breaks the rules; begin the sign-in again"),
    doubtful(Call::NewPassword, 500, "internal server error", ErrorKind::Unsupported)
        .hint("the account is asked for a further proof, which the provider cannot pass on; switch it off for the account"),

    doubtful(Call::Refresh, 401, "", ErrorKind::InvalidGrant).then(Then::SlowRetry)
        .hint("the refresh token is dead, the user name is not the one of the login, or the provider's own pool fails: it says the same to all"),
    sure(Some(Call::Refresh), 429, "refresh token", ErrorKind::InvalidGrant).then(Then::Reauthenticate).code("refresh_budget")
        .hint("the refresh token has bought all the access tokens it may; waiting does not help, sign in again"),
    // No other limit is known, but a proxy that speaks in the provider's form may have one.
    doubtful(Call::Refresh, 429, "", ErrorKind::InvalidGrant).then(Then::SlowRetry)
        .hint("the refresh token has probably bought all the access tokens it may; or too many requests were made"),
    // Listed in place of 429 by the vendor's description of the API.
    sure(Some(Call::Refresh), 403, "limit", ErrorKind::InvalidGrant).then(Then::Reauthenticate).code("refresh_budget")
        .hint("the refresh token has bought all the access tokens it may; waiting does not help, sign in again"),
    doubtful(Call::Refresh, 403, "", ErrorKind::InvalidGrant).then(Then::SlowRetry)
        .hint("the refresh token has probably bought all the access tokens it may, or the account is not let in"),

    doubtful(Call::Revoke, 401, "", ErrorKind::InvalidGrant)
        .hint("the refresh token was not taken; it may have ended already, or it may still live and the provider's own pool fails: it says the same to both"),

    sure(Some(Call::Forgot), 401, "user not found", ErrorKind::InvalidGrant)
        .hint("no account has this e-mail address"),
    doubtful(Call::Forgot, 401, "", ErrorKind::InvalidGrant)
        .hint("no account has this user name, or the provider's own pool fails: it says the same to both"),

    confirm("CodeMismatchException", ErrorKind::CodeMismatch)
        .hint("the code is wrong"),
    confirm("ExpiredCodeException", ErrorKind::CodeMismatch)
        .hint("the code is too old, or none was asked for; have a new one sent"),
    confirm("InvalidPasswordException", ErrorKind::PasswordRefused),
    confirm("PasswordHistoryPolicyViolationException", ErrorKind::PasswordRefused)
        .hint("the new password was used before"),
    confirm("UserNotFoundException", ErrorKind::InvalidGrant)
        .hint("no account has this user name"),
    confirm("UserNotConfirmedException", ErrorKind::AccountUnverified),
    // Quotas of the account: they hold nobody else up.
    confirm("LimitExceededException", ErrorKind::RateLimited).then(Then::AskUser)
        .hint("the quota of this account is used up; wait minutes to an hour"),
    confirm("TooManyFailedAttemptsException", ErrorKind::RateLimited).then(Then::AskUser)
        .hint("too many wrong codes for this account; wait before the next one"),
    confirm("TooManyRequestsException", ErrorKind::RateLimited),
    confirm("InternalErrorException", ErrorKind::TemporarilyUnavailable),
    confirm("RequestError", ErrorKind::TemporarilyUnavailable)
        .hint("the provider cannot reach its own pool; try again later"),
    confirm("RequestCanceled", ErrorKind::TemporarilyUnavailable)
        .hint("the provider did not wait for its own pool; try again later"),
    confirm("SerializationError", ErrorKind::TemporarilyUnavailable)
        .hint("the provider could not read the answer of its own pool; try again later"),
    doubtful(Call::Confirm, 401, "", ErrorKind::InvalidGrant)
        .hint("code or new password were refused, or the provider's own pool fails"),

    named(Call::ChangePassword, "InvalidPasswordException", ErrorKind::PasswordRefused),
    named(Call::ChangePassword, "PasswordHistoryPolicyViolationException", ErrorKind::PasswordRefused)
        .hint("the new password was used before"),
    doubtful(Call::ChangePassword, 401, "", ErrorKind::InvalidGrant)
        .hint("the present password is wrong, the new one breaks the rules, the access token has ended, or the account is unknown: one text for four causes"),
    sure(Some(Call::ChangePassword), 500, "", ErrorKind::TemporarilyUnavailable).then(Then::SlowRetry)
        .hint("the change was not made, perhaps because of a quota; wait before the next try"),

    sure(Some(Call::GetUser), 401, "", ErrorKind::InvalidToken),
    sure(Some(Call::GetUser), 500, "", ErrorKind::TemporarilyUnavailable)
        .hint("the provider fails, or the account belongs to no group"),
    sure(Some(Call::GetUser), 403, "", ErrorKind::AccessDenied)
        .hint("the provider or a gateway before it does not let this account in"),
    Row { certainty: Certainty::Possible, ..sure(None, 403, "", ErrorKind::AccessDenied) }
        .hint("the provider does not let this account in; why is documented nowhere"),
];

/// What an answer without a success status means.
pub(crate) fn refusal(
    wikimedia: &Wikimedia,
    operation: &Operation,
    response: &HttpResponse,
    now: Timestamp,
) -> Error {
    let body: Refusal = serde_json::from_slice(response.body().expose_bytes()).unwrap_or_default();
    let message = body.message.as_str().unwrap_or_default();
    let lower = message.to_lowercase();
    let call = call(operation);
    let status = response.status();
    let foreign = foreign(call, response, &body);
    let fits = |row: &&Row| {
        !foreign
            && row.call.is_none_or(|wanted| wanted == call)
            && row.status == status.as_u16()
            && (row.text.is_empty() || lower.contains(&row.text.to_lowercase()))
    };
    let error = match TABLE.iter().find(fits) {
        Some(row) => by_row(wikimedia, row, now),
        None => by_status(response, now),
    };
    error.with_status(status).with_detail(message)
}

/// Whether a gateway before the provider has answered in its place: it judges nothing.
fn foreign(call: Call, response: &HttpResponse, body: &Refusal) -> bool {
    match response.status() {
        // The provider limits no rates and names no time.
        StatusCode::TOO_MANY_REQUESTS => {
            !body.is_genuine() || response.header("retry-after").is_some()
        }
        // But for one spelling of the spent budget it has none at its authentication host.
        StatusCode::FORBIDDEN => call != Call::GetUser && !body.is_genuine(),
        // At a sign-in a page may stand before a refused password, which must not be sent again and again.
        StatusCode::UNAUTHORIZED => call == Call::Refresh && response.is_html(),
        _ => false,
    }
}

fn by_row(wikimedia: &Wikimedia, row: &Row, now: Timestamp) -> Error {
    let mut error = Error::new(row.kind).with_certainty(row.certainty);
    if !row.hint.is_empty() {
        error = error.hint(Cow::Borrowed(row.hint));
    }
    if !row.code.is_empty() {
        error = error.with_code(row.code);
    }
    match row.then {
        Then::Usual => error,
        Then::Reauthenticate => error.with_recovery(Recovery::Reauthenticate),
        Then::SlowRetry => {
            error.with_recovery(Recovery::WaitUntil(now.after(wikimedia.slow_retry)))
        }
        Then::AskUser => error.with_recovery(Recovery::AskUser),
    }
}

/// What the provider has no word for: its own faults, and gateways before it.
fn by_status(response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS => Error::new(ErrorKind::RateLimited),
        StatusCode::REQUEST_TIMEOUT => Error::new(ErrorKind::TemporarilyUnavailable),
        _ if status.is_server_error() => Error::new(ErrorKind::TemporarilyUnavailable),
        _ => return Error::new(ErrorKind::Protocol),
    };
    match response.retry_after(now) {
        Some(until) => error.with_recovery(Recovery::WaitUntil(until)),
        None => error,
    }
}

fn call(operation: &Operation) -> Call {
    match operation {
        Operation::Answer { .. } => Call::NewPassword,
        Operation::Refresh => Call::Refresh,
        Operation::Revoke => Call::Revoke,
        Operation::ForgotPassword => Call::Forgot,
        Operation::ConfirmForgotPassword { .. } => Call::Confirm,
        Operation::ChangePassword { .. } => Call::ChangePassword,
        Operation::WhoAmI => Call::GetUser,
        _ => Call::Login,
    }
}
