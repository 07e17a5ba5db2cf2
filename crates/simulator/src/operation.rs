//! The names of what a client may ask, equal for every provider, so that faults and records address them.

use std::fmt;
use std::str::FromStr;

use crate::{cognito, wikimedia};

/// What a request asks for, by a name that is the same for every provider.
///
/// A provider may have operations of its own: see [`Operation::custom`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(&'static str);

impl Operation {
    /// An answer to a challenge.
    pub const ANSWER: Self = Self("answer");
    /// In a fault only: whatever is asked.
    pub const ANY: Self = Self("any");
    /// In a fault only: everything but the resource.
    pub const AUTH: Self = Self("auth");
    /// A change of password by its owner.
    pub const CHANGE_PASSWORD: Self = Self("change_password");
    /// The end of a password recovery.
    pub const CONFIRM_FORGOT_PASSWORD: Self = Self("confirm_forgot_password");
    /// The start of a password recovery.
    pub const FORGOT_PASSWORD: Self = Self("forgot_password");
    /// A renewal of the access token.
    pub const REFRESH: Self = Self("refresh");
    /// The making of an account.
    pub const REGISTER: Self = Self("register");
    /// The authorised resource: the API that the tokens are for.
    pub const RESOURCE: Self = Self("resource");
    /// The revocation of one session.
    pub const REVOKE: Self = Self("revoke");
    /// A sign-in, and any other first grant.
    pub const SIGN_IN: Self = Self("sign_in");
    /// The end of every session of an account.
    pub const SIGN_OUT_EVERYWHERE: Self = Self("sign_out_everywhere");
    /// A request that is none of the provider's operations.
    pub const UNKNOWN: Self = Self("unknown");
    /// A question about the signed-in account.
    pub const WHO_AM_I: Self = Self("who_am_i");

    const NAMED: [Self; 14] = [
        Self::ANSWER,
        Self::ANY,
        Self::AUTH,
        Self::CHANGE_PASSWORD,
        Self::CONFIRM_FORGOT_PASSWORD,
        Self::FORGOT_PASSWORD,
        Self::REFRESH,
        Self::REGISTER,
        Self::RESOURCE,
        Self::REVOKE,
        Self::SIGN_IN,
        Self::SIGN_OUT_EVERYWHERE,
        Self::UNKNOWN,
        Self::WHO_AM_I,
    ];

    /// Every operation with a name, those of one provider alone last.
    fn all() -> impl Iterator<Item = Self> {
        let alone = cognito::OPERATIONS.iter().chain(wikimedia::OPERATIONS);
        Self::NAMED.into_iter().chain(alone.copied())
    }

    /// An operation that one provider alone has, by its snake-case name.
    #[must_use]
    pub const fn custom(name: &'static str) -> Self {
        Self(name)
    }

    /// The snake-case name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether this is asked of the authentication server: everything but the resource.
    #[must_use]
    pub fn is_auth(self) -> bool {
        self != Self::RESOURCE
    }

    /// Whether a fault that was set for `self` meets a request for `asked`.
    pub(crate) fn covers(self, asked: Self) -> bool {
        self == Self::ANY || self == asked || (self == Self::AUTH && asked.is_auth())
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The text names none of the operations that every provider shares, nor one that a provider of this crate alone has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperation {
    name: String,
}

impl fmt::Display for UnknownOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there: Vec<&str> = Operation::all().map(Operation::as_str).collect();
        let (name, there) = (self.name.escape_debug(), there.join(", "));
        write!(f, "there is no operation `{name}`; take one of {there}")
    }
}

impl std::error::Error for UnknownOperation {}

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(name: &str) -> Result<Self, UnknownOperation> {
        let unknown = || UnknownOperation { name: name.to_owned() };
        Self::all().find(|known| known.0 == name).ok_or_else(unknown)
    }
}
