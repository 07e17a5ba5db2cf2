//! The flows that an app client may allow.

use super::refusal::Refusal;

/// One flow of `InitiateAuth`, as an app client allows it (`ExplicitAuthFlows` of the service model).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFlow {
    /// `CUSTOM_AUTH`.
    Custom,
    /// `REFRESH_TOKEN_AUTH`. `GetTokensFromRefreshToken` is always allowed.
    Refresh,
    /// `USER_AUTH`: the user chooses the first factor.
    User,
    /// `USER_PASSWORD_AUTH`: the password itself is sent.
    UserPassword,
    /// `USER_SRP_AUTH`: the password is proved by SRP.
    UserSrp,
}

impl AuthFlow {
    /// What an app client without a list allows.
    pub(super) const BY_DEFAULT: [Self; 3] = [Self::Custom, Self::Refresh, Self::UserSrp];

    const ALL: [Self; 5] =
        [Self::Custom, Self::Refresh, Self::User, Self::UserPassword, Self::UserSrp];

    /// The name at `AuthFlow`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Custom => "CUSTOM_AUTH",
            Self::Refresh => "REFRESH_TOKEN_AUTH",
            Self::User => "USER_AUTH",
            Self::UserPassword => "USER_PASSWORD_AUTH",
            Self::UserSrp => "USER_SRP_AUTH",
        }
    }

    /// The flow of that name; the old spelling of the refresh flow is one of them.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "REFRESH_TOKEN" => Some(Self::Refresh),
            _ => Self::ALL.into_iter().find(|flow| flow.name() == name),
        }
    }

    /// The refusal of a client that does not allow it. The texts were seen at the service.
    pub(super) fn not_enabled(name: &str) -> Refusal {
        let text = match name {
            "USER_SRP_AUTH" => "USER_SRP_AUTH is not enabled for the client.".to_owned(),
            _ => format!("{name} flow not enabled for this client"),
        };
        Refusal::invalid_parameter(text, "flow_not_enabled")
    }
}
