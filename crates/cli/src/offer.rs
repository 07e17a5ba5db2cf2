//! What a provider lets an account do for itself, by the commands for it.

use std::time::Duration;

use countersign_core::Capabilities;

use crate::problem::Problem;
use crate::profile::Profile;

/// One thing that an account does for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offer {
    /// A time-based code of the account's own secret.
    Otp,
    Register,
    ConfirmRegistration,
    ResendConfirmation,
    ChangePassword,
    ForgotPassword,
    ConfirmPassword,
    EnrollMfa,
    DisableMfa,
}

impl Offer {
    /// Every one with the words of its command.
    const ALL: [(Self, &str); 9] = [
        (Self::Otp, "otp"),
        (Self::Register, "register"),
        (Self::ConfirmRegistration, "register --confirm"),
        (Self::ResendConfirmation, "register --resend"),
        (Self::ChangePassword, "password change"),
        (Self::ForgotPassword, "password forgot"),
        (Self::ConfirmPassword, "password confirm"),
        (Self::EnrollMfa, "mfa enroll"),
        (Self::DisableMfa, "mfa disable"),
    ];

    /// Whether a provider has it.
    pub(crate) fn is_in(self, can: &Capabilities) -> bool {
        let extends = |name: &str| can.extensions.contains(&name);
        match self {
            Self::Otp => code_step(can).is_some(),
            Self::Register => can.register.is_some(),
            Self::ConfirmRegistration => extends("confirm_sign_up"),
            Self::ResendConfirmation => extends("resend_confirmation_code"),
            Self::ChangePassword => can.change_password,
            Self::ForgotPassword => can.forgot_password,
            Self::ConfirmPassword => can.confirm_forgot_password,
            Self::EnrollMfa => {
                extends("associate_software_token") && extends("verify_software_token")
            }
            Self::DisableMfa => extends("set_user_mfa_preference"),
        }
    }

    /// Refuses what a provider does not have, and names what it has; nothing is sent.
    pub(crate) fn demand(self, profile: &Profile, can: &Capabilities) -> Result<(), Problem> {
        if self.is_in(can) {
            return Ok(());
        }
        let named = |so: &dyn Fn(Self) -> bool| -> Vec<&str> {
            Self::ALL.iter().filter(|(offer, _)| so(*offer)).map(|(_, words)| *words).collect()
        };
        let asked = named(&|offer| offer == self).join("");
        let has = named(&|offer| offer.is_in(can)).join(", ");
        Err(Problem::usage(
            format!("{} has no `{asked}`", profile.provider()),
            if has.is_empty() {
                "credentials are managed with the provider's support".to_owned()
            } else {
                format!("it has: {has}; the rest is managed with the provider's support")
            },
        ))
    }
}

/// The time step of codes, where there are any.
pub(crate) fn code_step(can: &Capabilities) -> Option<Duration> {
    can.code_per_request.or(can.sign_in_code)
}
