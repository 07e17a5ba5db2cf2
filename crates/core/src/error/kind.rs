//! The two axes of an error: what happened, and what may be done next.

use std::fmt;

use crate::time::Timestamp;

/// What happened. Names of RFC 6749 §5.2 and RFC 6750 §3.1 where they exist.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token is fine, the right is missing (`insufficient_scope`, RFC 6750 §3.1).
    AccessDenied,
    /// The account is switched off or suspended.
    AccountDisabled,
    /// Too many failed attempts; the account takes no sign-in for a while.
    AccountLocked,
    /// The account exists but is not confirmed.
    AccountUnverified,
    /// A request that spends something was sent and its outcome is unknown.
    Ambiguous,
    /// The challenge can no longer be answered: begin the sign-in again.
    ChallengeExpired,
    /// A one-time or mailed code is wrong or too old.
    CodeMismatch,
    /// A setting of ours is wrong.
    Configuration,
    /// Credentials could not be had from their source.
    Credentials,
    /// A panic or a broken invariant in an adapter, a source or a hook.
    Internal,
    /// The client is refused: unknown client, wrong secret (RFC 6749 §5.2).
    InvalidClient,
    /// The grant is refused: a wrong password, a dead refresh token (RFC 6749 §5.2).
    InvalidGrant,
    /// The request is malformed (RFC 6749 §5.2).
    InvalidRequest,
    /// The API refuses the access token (RFC 6750 §3.1).
    InvalidToken,
    /// There is no token, and nothing that could get one without the caller.
    NeedsSignIn,
    /// A new password does not satisfy the provider's rules.
    PasswordRefused,
    /// The account must get a new password before it can sign in.
    PasswordResetRequired,
    /// The answer cannot be what this provider sends.
    Protocol,
    /// Too many requests.
    RateLimited,
    /// The session was ended on purpose.
    SignedOut,
    /// The store could not be read or written.
    Store,
    /// The answer is for another account than the one that asked.
    SubjectMismatch,
    /// The provider is down or says so (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// The caller's time is over; the exchange goes on without it.
    TimedOut,
    /// The network failed.
    Transport,
    /// The provider has no such operation, or asks for a proof that this adapter cannot give.
    Unsupported,
}

impl ErrorKind {
    /// Every kind, in alphabetical order.
    pub const ALL: [Self; 26] = [
        Self::AccessDenied,
        Self::AccountDisabled,
        Self::AccountLocked,
        Self::AccountUnverified,
        Self::Ambiguous,
        Self::ChallengeExpired,
        Self::CodeMismatch,
        Self::Configuration,
        Self::Credentials,
        Self::Internal,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::NeedsSignIn,
        Self::PasswordRefused,
        Self::PasswordResetRequired,
        Self::Protocol,
        Self::RateLimited,
        Self::SignedOut,
        Self::Store,
        Self::SubjectMismatch,
        Self::TemporarilyUnavailable,
        Self::TimedOut,
        Self::Transport,
        Self::Unsupported,
    ];

    /// The recovery that is usual for this kind.
    pub const fn usual_recovery(self) -> Recovery {
        match self {
            Self::RateLimited
            | Self::Store
            | Self::TemporarilyUnavailable
            | Self::TimedOut
            | Self::Transport => Recovery::Retry,
            Self::InvalidToken | Self::Ambiguous | Self::ChallengeExpired => {
                Recovery::Reauthenticate
            }
            Self::AccountDisabled
            | Self::AccountLocked
            | Self::AccountUnverified
            | Self::CodeMismatch
            | Self::InvalidGrant
            | Self::NeedsSignIn
            | Self::PasswordRefused
            | Self::PasswordResetRequired
            | Self::SignedOut => Recovery::AskUser,
            Self::AccessDenied
            | Self::Configuration
            | Self::Credentials
            | Self::Internal
            | Self::InvalidClient
            | Self::InvalidRequest
            | Self::Protocol
            | Self::SubjectMismatch
            | Self::Unsupported => Recovery::GiveUp,
        }
    }

    /// What the reader should do next, where nobody has said it better.
    pub(super) const fn usual_hint(self) -> &'static str {
        match self {
            Self::AccessDenied => "the account lacks the right; another token would not help",
            Self::AccountDisabled => "ask the provider to enable the account",
            Self::AccountLocked => "wait until the lock ends; further attempts can make it longer",
            Self::AccountUnverified => "confirm the account with the provider first",
            Self::Ambiguous => "the refresh token may be spent; sign in again",
            Self::ChallengeExpired => "begin the sign-in again",
            Self::CodeMismatch => "ask for a code again and check the clock",
            Self::Configuration => "correct the settings",
            Self::Credentials => "check where the secret comes from",
            Self::Internal => "this is a defect; please report it",
            Self::InvalidClient => "check the client id and the client secret",
            Self::InvalidGrant => "check the credentials, then sign in again",
            Self::InvalidRequest => "correct the input",
            Self::InvalidToken => "sign in again",
            Self::NeedsSignIn => "sign in",
            Self::PasswordRefused => "choose another password that follows the provider's rules",
            Self::PasswordResetRequired => "reset the password with the provider",
            Self::Protocol => {
                "check the address; if it is right, the provider has changed its answers"
            }
            Self::RateLimited => "wait, then try again",
            Self::SignedOut => "sign in to begin a new session",
            Self::Store => "check that the store can be reached and written",
            Self::SubjectMismatch => "check which account the credentials belong to",
            Self::TemporarilyUnavailable => "try again later",
            Self::TimedOut => "ask again; the exchange may have finished meanwhile",
            Self::Transport => "check the network and the address",
            Self::Unsupported => "this provider cannot do that",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessDenied => "access denied",
            Self::AccountDisabled => "account disabled",
            Self::AccountLocked => "account locked",
            Self::AccountUnverified => "account not verified",
            Self::Ambiguous => "outcome unknown",
            Self::ChallengeExpired => "challenge expired",
            Self::CodeMismatch => "code refused",
            Self::Configuration => "wrong configuration",
            Self::Credentials => "credentials unavailable",
            Self::Internal => "internal error",
            Self::InvalidClient => "client refused",
            Self::InvalidGrant => "grant refused",
            Self::InvalidRequest => "invalid request",
            Self::InvalidToken => "access token refused",
            Self::NeedsSignIn => "not signed in",
            Self::PasswordRefused => "new password refused",
            Self::PasswordResetRequired => "password reset required",
            Self::Protocol => "unexpected answer",
            Self::RateLimited => "rate limited",
            Self::SignedOut => "signed out",
            Self::Store => "store failed",
            Self::SubjectMismatch => "answer for another account",
            Self::TemporarilyUnavailable => "provider unavailable",
            Self::TimedOut => "timed out",
            Self::Transport => "network failed",
            Self::Unsupported => "unsupported",
        })
    }
}

/// What may be done next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Recovery {
    /// The same again, after a back-off.
    Retry,
    /// The same again, not before an instant that the provider named (already capped by the engine
    /// where it acts on it).
    WaitUntil(Timestamp),
    /// Sign in again, once; the old grant is over.
    Reauthenticate,
    /// Only a person can go on.
    AskUser,
    /// Nothing helps but a change of settings or code.
    GiveUp,
}

/// Whether a verdict is sure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Certainty {
    /// The provider says this only when it is so.
    Certain,
    /// The same answer also covers other causes, an outage among them.
    Possible,
}
