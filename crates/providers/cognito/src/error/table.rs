//! The table: which exception means what, by name, phase and text. The first row that fits holds.

use std::time::Duration;

use countersign_core::ErrorKind;

/// The firewall blocks for minutes.
const SLOW: Duration = Duration::from_secs(15 * 60);
/// A message that could not be delivered.
const SOON: Duration = Duration::from_secs(60);

/// Which part of a session's life a call belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    SignIn,
    /// A proof of the password (SRP), into which the name of the pool goes.
    Proof,
    Challenge,
    /// A one-time code that the adapter has made itself.
    OwnCode,
    Refresh,
    Revoke,
    /// An operation that presents the access token, but for the next one.
    TokenCall,
    ChangePassword,
    Forgot,
    Confirm,
    /// A remembered device proves itself.
    Device,
    Register,
}

/// What a row advises, where it is not what is usual for its kind.
#[derive(Clone, Copy)]
pub(super) enum Then {
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
    /// The device of the session is of no use any more.
    ForgetDevice,
    /// The flow that was asked for is off: the hint names the one that is set.
    AllowFlow,
    /// Another code is worth one try: somebody may have used this one, or a clock is to blame.
    NextCode,
}

pub(super) struct Row {
    pub(super) names: &'static [&'static str],
    /// Empty: any.
    pub(super) phases: &'static [Phase],
    /// All of these occur in the text, without regard to case.
    pub(super) texts: &'static [&'static str],
    pub(super) kind: ErrorKind,
    pub(super) then: Then,
    /// Empty: what is usual for the kind.
    pub(super) hint: &'static str,
}

impl Row {
    /// Whether the row speaks of an exception of this name in this phase. `text` is in lower case.
    pub(super) fn fits(&self, name: &str, phase: Phase, text: &str) -> bool {
        self.names.contains(&name)
            && (self.phases.is_empty() || self.phases.contains(&phase))
            && self.texts.iter().all(|fragment| text.contains(fragment))
    }
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
pub(super) const TABLE: &[Row] = &[
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
    row(NOT_AUTHORIZED, &[Phase::Challenge, Phase::OwnCode, Phase::Device, Phase::Proof, Phase::SignIn], &["session"], ErrorKind::ChallengeExpired, Then::Usual,
        "the challenge session has expired or was answered already; begin the sign-in again"),
    row(NOT_AUTHORIZED, &[Phase::Device], &[], ErrorKind::InvalidGrant, Then::ForgetDevice,
        "the pool does not take the proof of this device; begin the sign-in again"),
    row(NOT_AUTHORIZED, &[Phase::Register], &[], ErrorKind::AccessDenied, Then::Usual,
        "the pool takes no sign-up of this app client; an administrator creates accounts"),
    row(NOT_AUTHORIZED, &[Phase::Confirm, Phase::Forgot], &["confirmed"], ErrorKind::InvalidRequest, Then::AskUser,
        "the account needs no confirmation, or cannot be confirmed in its state; the detail says which"),
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
    row(NOT_AUTHORIZED, &[Phase::Challenge, Phase::OwnCode], &[], ErrorKind::InvalidGrant, Then::Usual,
        "the answer was refused; begin the sign-in again"),
    row(NOT_AUTHORIZED, &[Phase::SignIn], &[], ErrorKind::InvalidGrant, Then::Usual,
        "user name or password is wrong"),
    row(NOT_AUTHORIZED, &[Phase::Proof], &[], ErrorKind::InvalidGrant, Then::Usual,
        "user name or password is wrong; or user_pool_id is that of another pool, whose name goes into the proof"),
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
    row(&["CodeMismatchException"], &[Phase::OwnCode], &[], ErrorKind::CodeMismatch, Then::NextCode,
        "the pool does not take the code that was made here; check the clock and the shared secret of the software token"),
    row(&["ExpiredCodeException"], &[Phase::OwnCode], &[], ErrorKind::CodeMismatch, Then::NextCode,
        "the code that was made here is too old or was used already, by somebody with the same shared secret; the next one is tried"),
    row(&["CodeMismatchException"], &[Phase::Challenge], &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is wrong; the challenge can be answered again until it expires (for a software token check its secret and the clock)"),
    row(&["CodeMismatchException"], ANY, &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is wrong"),
    row(&["ExpiredCodeException"], &[Phase::Challenge], &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is too old or was used already; take the next one"),
    row(&["ExpiredCodeException"], ANY, &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code is too old, or none was asked for; have a new one sent"),
    row(&["EnableSoftwareTokenMFAException"], ANY, &[], ErrorKind::CodeMismatch, Then::Usual,
        "the code does not fit the shared secret; check the clock and take the next one"),
    row(&["UsernameExistsException"], ANY, &[], ErrorKind::InvalidRequest, Then::AskUser,
        "an account of this name exists already; sign in, or choose another name"),
    row(&["AliasExistsException"], ANY, &[], ErrorKind::InvalidRequest, Then::AskUser,
        "an attribute belongs to another account of the pool already"),
    row(&["MFAMethodNotFoundException", "SoftwareTokenMFANotFoundException"], ANY, &[], ErrorKind::InvalidRequest, Then::AskUser,
        "the account has no such second factor; set one up first"),
    row(&["CodeDeliveryFailureException"], ANY, &[], ErrorKind::TemporarilyUnavailable, Then::Wait(SOON),
        "the code could not be delivered; try again later"),

    // Quotas. Those of an account hold nobody else up, and quick retries use them up further.
    row(&["TooManyFailedAttemptsException"], ANY, &[], ErrorKind::RateLimited, Then::AskUser,
        "too many wrong codes for this account; wait before the next one"),
    row(&["LimitExceededException"], ANY, &[], ErrorKind::RateLimited, Then::AskUser,
        "the quota of this account is used up; quick retries seldom help, wait minutes to an hour"),
    // The general words of AWS beside that of this service.
    row(&["TooManyRequestsException", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled",
          "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException"], ANY, &[], ErrorKind::RateLimited, Then::Retry,
        "the request rate of the pool is used up"),
    row(&["ForbiddenException"], ANY, &[], ErrorKind::RateLimited, Then::Wait(SLOW),
        "the web firewall of the pool blocked the request; ask its administrator if that goes on"),

    // Settings and defects.
    row(&["InvalidParameterException"], &[Phase::SignIn], &["not enabled"], ErrorKind::Configuration, Then::AllowFlow, ""),
    row(&["InvalidParameterException"], &[Phase::SignIn], &["flow"], ErrorKind::Configuration, Then::AllowFlow, ""),
    row(&["InvalidParameterException", "UnsupportedOperationException"], &[Phase::Refresh], &["flow"], ErrorKind::Configuration, Then::Usual,
        "this way to refresh is not enabled for this app client: use GetTokensFromRefreshToken, or add ALLOW_REFRESH_TOKEN_AUTH to its ExplicitAuthFlows"),
    row(&["InvalidParameterException"], ANY, &[], ErrorKind::InvalidRequest, Then::Usual,
        "a parameter is malformed or does not fit the pool; the detail says which"),
    row(&["ResourceNotFoundException"], ANY, &["device"], ErrorKind::InvalidRequest, Then::ForgetDevice,
        "the pool does not know this device any more"),
    row(&["DeviceKeyExistsException"], ANY, &[], ErrorKind::InvalidRequest, Then::Usual,
        "the device is confirmed already"),
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
    row(&["InternalErrorException", "ConcurrentModificationException", "InternalFailure", "ServiceUnavailable",
          "ServiceUnavailableException"], ANY, &[], ErrorKind::TemporarilyUnavailable, Then::Usual, ""),
];
