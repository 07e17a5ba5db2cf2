//! What a provider can do, as data. Silence means no.

use std::time::Duration;

use http::HeaderName;

use crate::credential::CredentialKinds;

/// What an adapter claims. Every claim is tested by the conformance suite; what is not claimed
/// answers [`crate::ErrorKind::Unsupported`].
///
/// Start from [`Capabilities::default`], which claims nothing, and set what is true.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Which credentials a sign-in needs. Checked when a session is built.
    pub credentials: CredentialKinds,
    /// How a refresh token behaves.
    pub refresh: RefreshSupport,
    /// How many refreshes one refresh token allows, if they are counted.
    pub refresh_budget: Option<u32>,
    /// How early a refresh is welcome.
    pub earliest_refresh: EarliestRefresh,
    /// Lifetimes to assume where an answer names none.
    pub fallback_lifetimes: FallbackLifetimes,
    /// Whether a token can be revoked, and what goes with it.
    pub revoke: RevokeSupport,
    /// [`crate::Operation::SignOutEverywhere`].
    pub sign_out_everywhere: bool,
    /// Which challenges a sign-in may meet.
    pub challenges: ChallengeSupport,
    /// [`crate::Operation::Register`] and its attributes.
    pub register: Option<RegisterSupport>,
    /// [`crate::Operation::ChangePassword`].
    pub change_password: bool,
    /// [`crate::Operation::ForgotPassword`].
    pub forgot_password: bool,
    /// [`crate::Operation::ConfirmForgotPassword`].
    pub confirm_forgot_password: bool,
    /// The documented rules for a new password.
    pub password_policy: Option<PasswordPolicy>,
    /// [`crate::Operation::WhoAmI`].
    pub who_am_i: bool,
    /// How the provider locks an account out.
    pub lockout: LockoutRule,
    /// If every request carries a one-time code: its time step.
    pub code_per_request: Option<Duration>,
    /// If a sign-in carries a time-based code: its time step. Steps are not used twice.
    pub sign_in_code: Option<Duration>,
    /// That code goes out in a step of its own once the provider has asked for it, never with the
    /// password: a sign-in that ends in a challenge at its first step has used none.
    pub sign_in_code_follows: bool,
    /// Every header that [`crate::AuthProvider::authorize`] may set.
    pub credential_headers: Vec<HeaderName>,
    /// Names of the operations that this provider alone has.
    pub extensions: Vec<&'static str>,
}

/// How a refresh token behaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RefreshSupport {
    /// There is none: renewing is signing in again.
    #[default]
    Absent,
    /// The same token buys again and again. Sending it twice harms nothing.
    Reusable,
    /// Each use buys a new refresh token and spends the old one (RFC 9700 §4.14), which is still taken
    /// for `grace` after it was used.
    Rotating {
        /// How long the spent token is still taken; zero if not at all.
        grace: Duration,
    },
    /// Not documented. Journalled as rotating without grace until an answer has shown that the token
    /// stays.
    Unknown,
}

/// How early a refresh is welcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum EarliestRefresh {
    /// At any time.
    #[default]
    Anytime,
    /// Only shortly before the end of the token (the mandatory window).
    MandatoryWindow,
}

/// Lifetimes to assume where an answer names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FallbackLifetimes {
    /// For an access token.
    pub access: Duration,
    /// For a refresh token; `None` if nothing is known, then it is tried until refused.
    pub refresh: Option<Duration>,
}

impl Default for FallbackLifetimes {
    /// Five minutes for an access token: short enough to be harmless, long enough not to hammer.
    fn default() -> Self {
        Self { access: Duration::from_secs(300), refresh: None }
    }
}

/// What revoking does (RFC 7009).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RevokeSupport {
    /// It cannot be done: a sign-out is local, the token lives until it ends.
    #[default]
    None,
    /// The refresh token dies; an access token lives on until it ends.
    RefreshToken,
    /// The refresh token and the access tokens bought with it die.
    Family,
}

/// Which challenges may come, and how many rounds a sign-in may take.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ChallengeSupport {
    /// Names that the adapter can answer.
    pub answerable: Vec<&'static str>,
    /// Whether others may come, which are surfaced as unsupported.
    pub open: bool,
}

/// What a registration needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterSupport {
    /// Attributes that must be given, beside identity and password.
    pub required: &'static [&'static str],
    /// Attributes that may be given.
    pub optional: &'static [&'static str],
    /// Whether a successful registration also brings tokens.
    pub signs_in: bool,
}

/// Documented rules for a new password; checked before it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PasswordPolicy {
    /// The least number of characters.
    pub min_length: usize,
    /// The greatest number of characters, if there is one.
    pub max_length: Option<usize>,
    /// At least one upper-case letter.
    pub upper: bool,
    /// At least one lower-case letter.
    pub lower: bool,
    /// At least one digit.
    pub digit: bool,
    /// At least one character that is neither letter nor digit.
    pub symbol: bool,
}

impl PasswordPolicy {
    /// Which rules `password` breaks, in words; empty if none.
    pub fn broken_by(&self, password: &str) -> Vec<String> {
        let mut broken = Vec::new();
        let length = password.chars().count();
        if length < self.min_length {
            broken.push(format!("at least {} characters", self.min_length));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            broken.push(format!("at most {most} characters"));
        }
        let mut demand = |wanted: bool, met: bool, name: &str| {
            if wanted && !met {
                broken.push(name.to_owned());
            }
        };
        let mut has = password.chars();
        demand(self.upper, has.clone().any(|c| c.is_ascii_uppercase()), "an upper-case letter");
        demand(self.lower, has.clone().any(|c| c.is_ascii_lowercase()), "a lower-case letter");
        demand(self.digit, has.clone().any(|c| c.is_ascii_digit()), "a digit");
        demand(self.symbol, has.any(|c| !c.is_alphanumeric()), "a symbol");
        broken
    }
}

/// How the provider locks an account out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LockoutRule {
    /// Nothing is documented.
    #[default]
    Unknown,
    /// There is none.
    None,
    /// Locked for a fixed time after too many failures.
    Fixed(Duration),
    /// After `free` failures locked for `first`, doubling with each further failure up to `most`.
    Doubling {
        /// Failures without a lock.
        free: u32,
        /// The first lock.
        first: Duration,
        /// The longest lock.
        most: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_policy_names_every_rule_that_is_broken() {
        let policy = PasswordPolicy {
            min_length: 8,
            upper: true,
            lower: true,
            digit: true,
            symbol: true,
            ..PasswordPolicy::default()
        };
        assert_eq!(policy.broken_by("Tr1cky-Pass!"), Vec::<String>::new());
        assert_eq!(
            policy.broken_by("abc"),
            ["at least 8 characters", "an upper-case letter", "a digit", "a symbol"]
        );
    }
}
