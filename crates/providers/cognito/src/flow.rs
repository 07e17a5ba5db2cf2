//! How a sign-in goes: its flow, its first factor, and what becomes of devices.

/// How the first step of a sign-in proves who it is (`AuthFlow`). Each must be allowed by the app client
/// (`ExplicitAuthFlows`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Flow {
    /// `USER_SRP_AUTH`: a proof of the password, which itself is not sent. Allowed unless an app client
    /// says otherwise.
    #[default]
    UserSrp,
    /// `USER_PASSWORD_AUTH`: the password itself is sent, under TLS. Off by default at the service.
    UserPassword,
    /// `USER_AUTH`: the account chooses among the first factors that it has. Needs the Essentials tier.
    UserAuth(FirstFactor),
    /// `CUSTOM_AUTH`: challenges that triggers of the pool define.
    Custom,
    /// `CUSTOM_AUTH` after a proof of the password (SRP).
    CustomSrp,
}

/// What [`Flow::UserAuth`] asks for (`PREFERRED_CHALLENGE`). Where the account does not have it, the pool
/// asks which one to take instead.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum FirstFactor {
    /// None in particular: the pool asks (`SELECT_CHALLENGE`), or goes on with the only one.
    #[default]
    Any,
    /// A code by e-mail.
    EmailOtp,
    /// The password itself.
    Password,
    /// A proof of the password (SRP).
    PasswordSrp,
    /// A code by SMS.
    SmsOtp,
    /// A passkey; the caller speaks with the authenticator.
    WebAuthn,
}

/// What becomes of the device key that a pool with device tracking gives out at a sign-in.
///
/// A device that is confirmed and remembered may take the place of the second factor later, if the pool
/// is set so. Its key, group and password are facts of the session's record, as secret as its tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Devices {
    /// It is confirmed as part of the sign-in, as the clients of AWS do. A pool that leaves it to the
    /// user whether a device is remembered does not remember it.
    #[default]
    Confirm,
    /// It is not confirmed. Its key is kept, since refreshing needs it; `confirm_device` confirms it later.
    Keep,
    /// It is confirmed, and remembered also where the pool leaves that to the user.
    Remember,
}

impl Flow {
    /// Whether a sign-in cannot begin without the password.
    pub(crate) const fn needs_password(self) -> bool {
        match self {
            Self::UserSrp | Self::UserPassword | Self::CustomSrp => true,
            Self::UserAuth(factor) => {
                matches!(factor, FirstFactor::Password | FirstFactor::PasswordSrp)
            }
            Self::Custom => false,
        }
    }

    /// Whether the first request holds the password itself.
    pub(crate) const fn begins_with_the_password(self) -> bool {
        matches!(self, Self::UserPassword | Self::UserAuth(FirstFactor::Password))
    }

    /// Whether the first request holds the public half of an SRP exchange.
    pub(crate) const fn begins_with_srp(self) -> bool {
        matches!(self, Self::UserSrp | Self::CustomSrp | Self::UserAuth(FirstFactor::PasswordSrp))
    }

    /// Whether the password itself may be sent without being asked anew. Where a flow was chosen that only
    /// proves it, a server cannot have it by asking otherwise.
    pub(crate) const fn sends_password(self) -> bool {
        match self {
            Self::UserPassword => true,
            Self::UserAuth(factor) => matches!(factor, FirstFactor::Any | FirstFactor::Password),
            Self::UserSrp | Self::Custom | Self::CustomSrp => false,
        }
    }

    /// The name at the service.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UserSrp => "USER_SRP_AUTH",
            Self::UserPassword => "USER_PASSWORD_AUTH",
            Self::UserAuth(_) => "USER_AUTH",
            Self::Custom | Self::CustomSrp => "CUSTOM_AUTH",
        }
    }

    /// What the owner of an app client must allow for it.
    pub(crate) const fn permission(self) -> &'static str {
        match self {
            Self::UserSrp => "ALLOW_USER_SRP_AUTH",
            Self::UserPassword => "ALLOW_USER_PASSWORD_AUTH",
            Self::UserAuth(_) => "ALLOW_USER_AUTH",
            Self::Custom | Self::CustomSrp => "ALLOW_CUSTOM_AUTH",
        }
    }
}

impl FirstFactor {
    /// The name at the service; `None` for no preference.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::EmailOtp => Some("EMAIL_OTP"),
            Self::Password => Some("PASSWORD"),
            Self::PasswordSrp => Some("PASSWORD_SRP"),
            Self::SmsOtp => Some("SMS_OTP"),
            Self::WebAuthn => Some("WEB_AUTHN"),
        }
    }
}
