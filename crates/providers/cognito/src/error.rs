//! What a refusal means: by name, then by operation and text, in one table.
//!
//! The service answers nearly every refusal with 400, so the status counts only where no name can be
//! read. Texts are no contract: a fragment is searched, and where none is found the row without one
//! holds.

use std::borrow::Cow;
use std::time::Duration;

use countersign_core::http::HttpResponse;
use countersign_core::{
    Ambient, Error, ErrorKind, MemoPatch, Operation, Outcome, Profile, Recovery, Timestamp,
};
use http::StatusCode;
use serde_json::Value;

use crate::config::Cognito;
use crate::provider::ID;
use crate::wire::Refusal;

/// Quotas of a user are counted over minutes up to an hour.
const SLOW: Duration = Duration::from_secs(15 * 60);
/// A message that could not be delivered.
const SOON: Duration = Duration::from_secs(60);
/// Longer than any name of the service model.
const LONGEST_NAME: usize = 64;

/// Which part of a session's life an operation belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    SignIn,
    Challenge,
    Refresh,
    Revoke,
    /// An operation that presents the access token, but for the next one.
    TokenCall,
    ChangePassword,
    Forgot,
    Confirm,
}

/// What a row advises, where it is not what is usual for its kind.
#[derive(Clone, Copy)]
enum Then {
    Usual,
    AskUser,
    GiveUp,
    Reauthenticate,
    Retry,
    Wait(Duration),
    /// As long as the setting says.
    WaitOutLockout,
    /// The purpose of the operation is reached all the same.
    Done,
}

struct Row {
    names: &'static [&'static str],
    /// Empty: any.
    phases: &'static [Phase],
    /// All of these occur in the text, without regard to case.
    texts: &'static [&'static str],
    kind: ErrorKind,
    then: Then,
    /// Empty: what is usual for the kind.
    hint: &'static str,
}

const fn row(
    names: &'static [&'static str],
    phases: &'static [Phase],
    texts: &'static [&'static str],
    kind: ErrorKind,
    then: Then,
    hint: &'static str,
) -> Row {
    Row { names, phases, texts, kind, then, hint }
}

const NOT_AUTHORIZED: &[&str] = &["NotAuthorizedException"];
const ANY: &[Phase] = &[];

/// The first row that fits holds.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    // NotAuthorizedException means many things, and only its text tells which.
    row(NOT_AUTHORIZED, ANY, &["secret", "hash"], ErrorKind::InvalidClient, Then::Usual,
        "the secret hash was missing or wrong; check the client secret of this app client"),
    row(NOT_AUTHORIZED, ANY, &["client", "secret"], ErrorKind::InvalidClient, Then::Usual,
        "the client secret was missing or wrong; check the client secret of this app client"),
    row(NOT_AUTHORIZED, ANY, &["password attempts exceeded"], ErrorKind::AccountLocked, Then::WaitOutLockout,
        "too many failed passwords: the pool locks for 1 s to 15 min; this says nothing about the password that was sent"),
    row(NOT_AUTHORIZED, ANY, &["disabled"], ErrorKind::AccountDisabled, Then::Usual,
        "the user is disabled; an administrator of the pool must enable it"),
    row(NOT_AUTHORIZED, ANY, &["temporary password", "expired"], ErrorKind::PasswordResetRequired, Then::Usual,
        "the temporary password has expired; an administrator of the pool must set a new one"),
    row(NOT_AUTHORIZED, &[Phase::Challenge], &["session"], ErrorKind::ChallengeExpired, Then::Usual,
        "the challenge session has expired or was answered already; begin the sign-in again"),
    row(NOT_AUTHORIZED, &[Phase::Refresh], &[], ErrorKind::InvalidGrant, Then::Reauthenticate,
        "the refresh token is invalid, revoked or expired; sign in again"),
    row(NOT_AUTHORIZED, &[Phase::Revoke], &["refresh token"], ErrorKind::InvalidGrant, Then::Done, ""),
    row(NOT_AUTHORIZED, &[Phase::Revoke], &[], ErrorKind::AccessDenied, Then::Usual,
        "the revocation was refused; the token lives until it expires"),
    row(NOT_AUTHORIZED, &[Phase::TokenCall, Phase::ChangePassword], &["scope"], ErrorKind::AccessDenied, Then::Usual,
        "the access token lacks the scope aws.cognito.signin.user.admin; tokens of this sign-in have it, tokens of the hosted page only if asked for"),
    row(NOT_AUTHORIZED, &[Phase::TokenCall, Phase::ChangePassword], &["access token"], ErrorKind::InvalidToken, Then::Usual,
        "the access token has expired or was revoked"),
    row(NOT_AUTHORIZED, &[Phase::TokenCall], &[], ErrorKind::InvalidToken, Then::Usual, ""),
    row(NOT_AUTHORIZED, &[Phase::ChangePassword], &[], ErrorKind::InvalidGrant, Then::Usual,
        "the present password was refused"),
    row(NOT_AUTHORIZED, &[Phase::Challenge], &[], ErrorKind::InvalidGrant, Then::Usual,
        "the answer was refused; begin the sign-in again"),
    row(NOT_AUTHORIZED, &[Phase::SignIn], &[], ErrorKind::InvalidGrant, Then::Usual,
        "user name or password is wrong"),
    row(NOT_AUTHORIZED, ANY, &[], ErrorKind::InvalidGrant, Then::Usual,
        "the pool refused; the detail is its text"),

    // The account.
    row(&["UserNotFoundException"], &[Phase::Refresh], &[], ErrorKind::InvalidGrant, Then::Reauthenticate,
        "the account is gone; sign in again"),
    row(&["UserNotFoundException"], &[Phase::TokenCall, Phase::ChangePassword], &[], ErrorKind::InvalidToken, Then::Usual,
        "the account of this token is gone"),
    row(&["UserNotFoundException"], ANY, &[], ErrorKind::InvalidGrant, Then::Usual,
        "user name or password is wrong"),
    row(&["UserNotConfirmedException"], ANY, &[], ErrorKind::AccountUnverified, Then::Usual,
        "the sign-up was not confirmed; confirm it first"),
    row(&["PasswordResetRequiredException"], ANY, &[], ErrorKind::PasswordResetRequired, Then::Usual,
        "an administrator asks for a new password: have a code sent (forgot), then confirm it with a new password"),
    row(&["TokenRevokedException"], &[Phase::Refresh], &[], ErrorKind::InvalidGrant, Then::Reauthenticate,
        "the refresh token was revoked; sign in again"),
    row(&["TokenRevokedException"], &[Phase::Revoke], &[], ErrorKind::InvalidGrant, Then::Done, ""),
    row(&["TokenRevokedException"], ANY, &[], ErrorKind::InvalidToken, Then::Usual, ""),
    row(&["RefreshTokenReuseException"], ANY, &[], ErrorKind::InvalidGrant, Then::Reauthenticate,
        "a refresh token was sent again after it had been rotated away: somebody else may hold a copy of it, or two clients share one session without a shared store; the session is over, find out which before you sign in again"),

    // New passwords and codes.
    row(&["InvalidPasswordException"], ANY, &[], ErrorKind::PasswordRefused, Then::Usual,
        "the new password breaks the policy of the pool; the detail says which rule"),
    row(&["PasswordHistoryPolicyViolationException"], ANY, &[], ErrorKind::PasswordRefused, Then::Usual,
        "the new password was used before"),
    row(&["CodeMismatchException"], &[Phase::Challenge], &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is wrong; the challenge can be answered again until it expires (for a software token check its secret and the clock)"),
    row(&["CodeMismatchException"], ANY, &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is wrong"),
    row(&["ExpiredCodeException"], &[Phase::Challenge], &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is too old or was used already; take the next one"),
    row(&["ExpiredCodeException"], ANY, &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is too old, or none was asked for; have a new one sent"),
    row(&["AliasExistsException"], ANY, &[], ErrorKind::InvalidRequest, Then::AskUser,
        "an attribute belongs to another account of the pool already"),
    row(&["MFAMethodNotFoundException", "SoftwareTokenMFANotFoundException"], ANY, &[], ErrorKind::InvalidRequest, Then::AskUser,
        "the account has no such second factor; set one up first"),
    row(&["CodeDeliveryFailureException"], ANY, &[], ErrorKind::TemporarilyUnavailable, Then::Wait(SOON),
        "the code could not be delivered; try again later"),

    // Quotas.
    row(&["TooManyFailedAttemptsException"], ANY, &[], ErrorKind::RateLimited, Then::Wait(SLOW),
        "too many wrong codes; wait before the next one"),
    row(&["LimitExceededException"], ANY, &[], ErrorKind::RateLimited, Then::Wait(SLOW),
        "the quota of this account is used up; quick retries seldom help, wait minutes to an hour"),
    row(&["TooManyRequestsException", "ThrottlingException"], ANY, &[], ErrorKind::RateLimited, Then::Retry,
        "the request rate of the pool is used up"),
    row(&["ForbiddenException"], ANY, &[], ErrorKind::RateLimited, Then::Wait(SLOW),
        "the web firewall of the pool blocked the request; ask its administrator if that goes on"),

    // Settings and defects.
    row(&["InvalidParameterException"], &[Phase::SignIn], &["flow"], ErrorKind::Configuration, Then::Usual,
        "the flow is not enabled for this app client: add ALLOW_USER_PASSWORD_AUTH to its ExplicitAuthFlows"),
    row(&["InvalidParameterException", "UnsupportedOperationException"], &[Phase::Refresh], &["flow"], ErrorKind::Configuration, Then::Usual,
        "this way to refresh is not enabled for this app client: use GetTokensFromRefreshToken, or add ALLOW_REFRESH_TOKEN_AUTH to its ExplicitAuthFlows"),
    row(&["InvalidParameterException"], ANY, &[], ErrorKind::InvalidRequest, Then::Usual,
        "a parameter is malformed or does not fit the pool; the detail says which"),
    row(&["ResourceNotFoundException"], ANY, &["device"], ErrorKind::Configuration, Then::Usual,
        "the pool asks for a remembered device, which is gone; switch device tracking off for this client"),
    row(&["ResourceNotFoundException"], ANY, &[], ErrorKind::Configuration, Then::Usual,
        "pool or app client is unknown at this endpoint; check user_pool_id, client_id and endpoint"),
    row(&["UnsupportedOperationException", "OperationNotEnabledException", "FeatureUnavailableInTierException",
          "InvalidUserPoolConfigurationException", "InvalidSmsRoleAccessPolicyException",
          "InvalidSmsRoleTrustRelationshipException", "InvalidEmailRoleAccessPolicyException"],
        ANY, &[], ErrorKind::Configuration, Then::Usual,
        "the pool is not set up for this; the detail says what is missing"),
    row(&["UnauthorizedException"], &[Phase::Revoke], &[], ErrorKind::InvalidClient, Then::Usual,
        "this app client may not revoke the token; it lives until it expires"),
    row(&["UnsupportedTokenTypeException"], &[Phase::Revoke], &[], ErrorKind::InvalidRequest, Then::Usual,
        "what was sent is no refresh token; nothing was revoked"),
    row(&["SerializationException"], ANY, &[], ErrorKind::Internal, Then::GiveUp, ""),

    // Triggers of the pool's owner, and faults of the service.
    row(&["UserLambdaValidationException"], ANY, &[], ErrorKind::AccessDenied, Then::AskUser,
        "a trigger of the pool refused; the detail is its text"),
    row(&["UnexpectedLambdaException", "InvalidLambdaResponseException"], ANY, &[], ErrorKind::TemporarilyUnavailable, Then::Retry,
        "a trigger of the pool failed"),
    row(&["InternalErrorException"], ANY, &[], ErrorKind::TemporarilyUnavailable, Then::Usual, ""),
];

/// What `response` refuses; `None` if it is a success to be read.
pub(crate) fn refusal(
    cognito: &Cognito,
    operation: &Operation,
    response: &HttpResponse,
    ambient: &Ambient<'_>,
) -> Option<Result<Outcome, Error>> {
    // A success goes through here too: only these members are read, so that no token is copied.
    let body: Refusal = serde_json::from_slice(response.body().expose_bytes()).unwrap_or_default();
    let name = name(response, &body);
    if response.status().is_success() && name.is_none() {
        return None;
    }
    let text = [&body.message, &body.message_upper].into_iter().find_map(Value::as_str);
    let text = text.or_else(|| response.header("x-amzn-errormessage")).unwrap_or_default();

    let classified = match name {
        Some(name) => by_name(cognito, phase(operation), name, text, response, ambient.now),
        None => Some(by_status(response, ambient.now)),
    };
    let Some(error) = classified else {
        return Some(Ok(Outcome::Done(Profile::new(), MemoPatch::none())));
    };
    let mut error = error.at(ID, operation.name()).with_status(response.status());
    if !ambient.repeats_a_secret(text, operation) {
        error = error.with_detail(text);
    }
    if let Some(name) = name {
        error = error.with_code(name);
    }
    if let Some(id) = response.header("x-amzn-requestid") {
        error = error.with_request_id(id);
    }
    Some(Err(error))
}

/// The name of the exception: from the header, else `code`, else `__type`; cut at the first comma or
/// colon, without the namespace. Nothing but a plain identifier is a name.
fn name<'a>(response: &'a HttpResponse, body: &'a Refusal) -> Option<&'a str> {
    [response.header("x-amzn-errortype"), body.code.as_str(), body.type_name.as_str()]
        .into_iter()
        .flatten()
        .find_map(plain_name)
}

pub(crate) fn plain_name(raw: &str) -> Option<&str> {
    let cut = raw.split([',', ':']).next().unwrap_or_default();
    let name = cut.split_once('#').map_or(cut, |(_, name)| name).trim();
    let plain = name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then_some(name)
}

/// The error of the first row that fits, `None` if the row says that all is done.
fn by_name(
    cognito: &Cognito,
    phase: Phase,
    name: &str,
    text: &str,
    response: &HttpResponse,
    now: Timestamp,
) -> Option<Error> {
    let text = text.to_lowercase();
    let fits = |row: &&Row| {
        row.names.contains(&name)
            && (row.phases.is_empty() || row.phases.contains(&phase))
            && row.texts.iter().all(|fragment| text.contains(fragment))
    };
    let Some(row) = TABLE.iter().find(fits) else {
        return Some(if transient(response.status()) {
            by_status(response, now)
        } else {
            Error::new(ErrorKind::InvalidRequest)
                .hint("the service refused for a reason that its model does not name")
        });
    };
    let mut error = Error::new(row.kind);
    if !row.hint.is_empty() {
        error = error.hint(Cow::Borrowed(row.hint));
    }
    Some(match row.then {
        Then::Done => return None,
        Then::Usual => error,
        Then::AskUser => error.with_recovery(Recovery::AskUser),
        Then::GiveUp => error.with_recovery(Recovery::GiveUp),
        Then::Reauthenticate => error.with_recovery(Recovery::Reauthenticate),
        Then::Retry => error.with_recovery(Recovery::Retry),
        Then::Wait(wait) => error.with_recovery(Recovery::WaitUntil(now.after(wait))),
        Then::WaitOutLockout => {
            error.with_recovery(Recovery::WaitUntil(now.after(cognito.lockout_wait)))
        }
    })
}

fn by_status(response: &HttpResponse, now: Timestamp) -> Error {
    let status = response.status();
    let error = match status {
        StatusCode::TOO_MANY_REQUESTS => Error::new(ErrorKind::RateLimited),
        _ if transient(status) => Error::new(ErrorKind::TemporarilyUnavailable),
        _ => {
            return Error::new(ErrorKind::Protocol).hint(
                "the refusal has no name; a gateway or a wrong address answers in the provider's place",
            );
        }
    };
    match response.retry_after(now) {
        Some(until) => error.with_recovery(Recovery::WaitUntil(until)),
        None => error,
    }
}

fn transient(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

pub(crate) fn phase(operation: &Operation) -> Phase {
    match operation {
        Operation::Answer { .. } | Operation::Continue { .. } => Phase::Challenge,
        Operation::Refresh => Phase::Refresh,
        Operation::Revoke => Phase::Revoke,
        Operation::ChangePassword { .. } => Phase::ChangePassword,
        Operation::ForgotPassword => Phase::Forgot,
        Operation::ConfirmForgotPassword { .. } => Phase::Confirm,
        Operation::WhoAmI | Operation::SignOutEverywhere => Phase::TokenCall,
        _ => Phase::SignIn,
    }
}
