//! The names of what is asked of a server.

use std::fmt;

use countersign_core::Operation;

/// What one request asks for, as faults, counts and reports name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Op {
    /// The first step of a sign-in.
    SignIn,
    /// An answer to a challenge, given by the caller.
    Answer,
    /// A further step that the adapter takes alone.
    Continue,
    /// A refresh (RFC 6749 §6).
    Refresh,
    /// A revocation (RFC 7009).
    Revoke,
    /// The end of every session of the account.
    SignOutEverywhere,
    /// The making of an account.
    Register,
    /// A change of password by its owner.
    ChangePassword,
    /// The start of a recovery.
    ForgotPassword,
    /// The end of a recovery.
    ConfirmForgotPassword,
    /// Whom the token belongs to.
    WhoAmI,
    /// An operation that one provider alone has.
    Extension,
    /// The authorised resource: the API that the tokens are for.
    Resource,
    /// In a fault or a count: whatever is asked.
    Any,
    /// In a fault or a count: everything but the resource.
    Auth,
    /// A request that no adapter has built.
    Unknown,
}

impl Op {
    /// The word for it, that of [`Operation::name`] where there is one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Answer => "answer",
            Self::Continue => "continue",
            Self::Refresh => "refresh",
            Self::Revoke => "revoke",
            Self::SignOutEverywhere => "sign_out_everywhere",
            Self::Register => "register",
            Self::ChangePassword => "change_password",
            Self::ForgotPassword => "forgot_password",
            Self::ConfirmForgotPassword => "confirm_forgot_password",
            Self::WhoAmI => "who_am_i",
            Self::Extension => "extension",
            Self::Resource => "resource",
            Self::Any => "any",
            Self::Auth => "auth",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a fault or a count for `self` means a request for `asked`.
    pub fn covers(self, asked: Self) -> bool {
        match self {
            Self::Any => true,
            Self::Auth => asked != Self::Resource,
            _ => self == asked,
        }
    }
}

impl From<&Operation> for Op {
    fn from(operation: &Operation) -> Self {
        match operation {
            Operation::SignIn => Self::SignIn,
            Operation::Answer { .. } => Self::Answer,
            Operation::Continue { .. } => Self::Continue,
            Operation::Refresh => Self::Refresh,
            Operation::Revoke => Self::Revoke,
            Operation::SignOutEverywhere => Self::SignOutEverywhere,
            Operation::Register { .. } => Self::Register,
            Operation::ChangePassword { .. } => Self::ChangePassword,
            Operation::ForgotPassword => Self::ForgotPassword,
            Operation::ConfirmForgotPassword { .. } => Self::ConfirmForgotPassword,
            Operation::WhoAmI => Self::WhoAmI,
            Operation::Extension { .. } => Self::Extension,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
