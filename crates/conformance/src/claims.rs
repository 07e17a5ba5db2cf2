//! What an adapter claims, as a list that cases can name.

use std::fmt;

use countersign_core::{Capabilities, EarliestRefresh, LockoutRule, RefreshSupport, RevokeSupport};

/// One thing that [`Capabilities`] can claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Claim {
    /// A sign-in with the credentials: every adapter.
    SignIn,
    /// A refresh token, of whatever kind.
    Refresh,
    /// A refresh token that is spent on use.
    Rotation,
    /// Refreshes are counted.
    RefreshBudget,
    /// A refresh is welcome only shortly before the end.
    LateRefresh,
    /// A revocation, of whatever scope.
    Revoke,
    /// [`Capabilities::sign_out_everywhere`].
    SignOutEverywhere,
    /// At least one challenge that can be answered.
    Challenges,
    /// [`Capabilities::register`].
    Register,
    /// [`Capabilities::change_password`].
    ChangePassword,
    /// [`Capabilities::forgot_password`].
    ForgotPassword,
    /// [`Capabilities::confirm_forgot_password`].
    ConfirmForgotPassword,
    /// [`Capabilities::password_policy`].
    PasswordPolicy,
    /// [`Capabilities::who_am_i`].
    WhoAmI,
    /// A documented lockout.
    Lockout,
    /// [`Capabilities::code_per_request`].
    CodePerRequest,
    /// [`Capabilities::sign_in_code`].
    SignInCode,
    /// At least one header with a credential.
    CredentialHeaders,
    /// An operation of its own.
    Extension(&'static str),
}

impl Claim {
    /// Everything that `capabilities` claim.
    pub fn of(capabilities: &Capabilities) -> Vec<Self> {
        let c = capabilities;
        let rotates = matches!(c.refresh, RefreshSupport::Rotating { .. });
        let doubtful = matches!(c.refresh, RefreshSupport::Unknown);
        let lockout = !matches!(c.lockout, LockoutRule::Unknown | LockoutRule::None);
        let claimed = [
            (Self::SignIn, true),
            (Self::Refresh, c.refresh != RefreshSupport::Absent),
            (Self::Rotation, rotates || doubtful),
            (Self::RefreshBudget, c.refresh_budget.is_some()),
            (Self::LateRefresh, c.earliest_refresh == EarliestRefresh::MandatoryWindow),
            (Self::Revoke, c.revoke != RevokeSupport::None),
            (Self::SignOutEverywhere, c.sign_out_everywhere),
            (Self::Challenges, !c.challenges.answerable.is_empty()),
            (Self::Register, c.register.is_some()),
            (Self::ChangePassword, c.change_password),
            (Self::ForgotPassword, c.forgot_password),
            (Self::ConfirmForgotPassword, c.confirm_forgot_password),
            (Self::PasswordPolicy, c.password_policy.is_some()),
            (Self::WhoAmI, c.who_am_i),
            (Self::Lockout, lockout),
            (Self::CodePerRequest, c.code_per_request.is_some()),
            (Self::SignInCode, c.sign_in_code.is_some()),
            (Self::CredentialHeaders, !c.credential_headers.is_empty()),
        ];
        let extensions = c.extensions.iter().map(|name| Self::Extension(name));
        claimed
            .into_iter()
            .filter(|(_, so)| *so)
            .map(|(claim, _)| claim)
            .chain(extensions)
            .collect()
    }

    /// Whether `capabilities` claim it.
    pub fn holds(self, capabilities: &Capabilities) -> bool {
        Self::of(capabilities).contains(&self)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::SignIn => "sign_in",
            Self::Refresh => "refresh",
            Self::Rotation => "rotation",
            Self::RefreshBudget => "refresh_budget",
            Self::LateRefresh => "late_refresh",
            Self::Revoke => "revoke",
            Self::SignOutEverywhere => "sign_out_everywhere",
            Self::Challenges => "challenges",
            Self::Register => "register",
            Self::ChangePassword => "change_password",
            Self::ForgotPassword => "forgot_password",
            Self::ConfirmForgotPassword => "confirm_forgot_password",
            Self::PasswordPolicy => "password_policy",
            Self::WhoAmI => "who_am_i",
            Self::Lockout => "lockout",
            Self::CodePerRequest => "code_per_request",
            Self::SignInCode => "sign_in_code",
            Self::CredentialHeaders => "credential_headers",
            Self::Extension(name) => return write!(f, "extension {name}"),
        };
        f.write_str(word)
    }
}
