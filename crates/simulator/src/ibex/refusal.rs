//! How the hub says no: one table from cause to status and text.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use super::{ErrorBody, Settings};
use crate::wire;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    AccountBlocked,
    BadRequest,
    DeadAtRefresh,
    DeadAtRevoke,
    NotAllowed,
    NotFound,
    PasswordPolicy,
    TemporaryPassword,
    Throttled,
    TokenRefused,
    TokenRefusedEmpty,
    Unavailable,
    UnknownEmail,
    UnknownEmailEmpty,
    UnexpectedFailure,
    WrongPassword,
    WrongPreviousPassword,
}

impl Cause {
    /// The word for records.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::AccountBlocked => "account_blocked",
            Self::BadRequest => "bad_request",
            Self::DeadAtRefresh | Self::DeadAtRevoke => "dead_refresh_token",
            Self::NotAllowed => "not_allowed",
            Self::NotFound => "not_found",
            Self::PasswordPolicy => "password_policy",
            Self::TemporaryPassword => "temporary_password",
            Self::Throttled => "throttled",
            Self::TokenRefused | Self::TokenRefusedEmpty => "token_refused",
            Self::Unavailable => "unavailable",
            Self::UnexpectedFailure => "unexpected_failure",
            Self::UnknownEmail | Self::UnknownEmailEmpty => "unknown_email",
            Self::WrongPassword | Self::WrongPreviousPassword => "wrong_password",
        }
    }

    pub(super) fn response(self, settings: &Settings) -> Response<Bytes> {
        let (status, text) = match self {
            Self::AccountBlocked => (StatusCode::FORBIDDEN, "user is blocked"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad request"),
            Self::DeadAtRefresh => (settings.dead_refresh, "token is expired"),
            Self::DeadAtRevoke => (settings.dead_revoke, "token is expired"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not found"),
            Self::PasswordPolicy => {
                (StatusCode::BAD_REQUEST, "password does not conform to policy")
            }
            Self::TemporaryPassword => (StatusCode::BAD_REQUEST, "invalid temporary password"),
            Self::Throttled => (StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Self::TokenRefused => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::TokenRefusedEmpty => return wire::empty(StatusCode::UNAUTHORIZED),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "service unavailable"),
            Self::UnexpectedFailure => (StatusCode::INTERNAL_SERVER_ERROR, "internal server error"),
            Self::UnknownEmail => (settings.wrong_email, "invalid credentials"),
            Self::UnknownEmailEmpty => return wire::empty(StatusCode::NOT_FOUND),
            Self::WrongPassword => (settings.wrong_password, "invalid credentials"),
            Self::WrongPreviousPassword => (StatusCode::BAD_REQUEST, "invalid credentials"),
        };
        match settings.error_body {
            // An answer of success, by setting, has no text of an error.
            _ if status.is_success() => wire::empty(status),
            ErrorBody::Empty => wire::empty(status),
            ErrorBody::Lower => wire::json(status, &json!({ "error": text })),
            ErrorBody::Text => wire::text(status, text),
            ErrorBody::Upper => wire::json(status, &json!({ "Error": text })),
        }
    }
}
