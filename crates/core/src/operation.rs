//! What can be asked of a provider, and how it can end well.

use std::fmt;

use crate::challenge::{Answers, Challenge, Continuation};
use crate::secret::{SecretBytes, SecretString};
use crate::token::{Profile, TokenResponse};

/// One thing to ask of a provider. It carries only what the caller newly supplies; stored secrets are
/// in the [`crate::Ambient`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Buy the first token with the credentials.
    SignIn,
    /// Answer a challenge.
    Answer {
        /// What was asked.
        challenge: Box<Challenge>,
        /// What the caller says.
        answers: Answers,
    },
    /// The next step of an operation that the adapter takes by itself.
    Continue {
        /// The operation that began it.
        of: Box<Operation>,
        /// What the adapter left for this step.
        continuation: Continuation,
    },
    /// Buy the next access token (RFC 6749 §6).
    Refresh,
    /// Revoke the refresh token (RFC 7009).
    Revoke,
    /// End every session of the account.
    SignOutEverywhere,
    /// Create the account, with the identity and password of the credentials.
    Register {
        /// Attributes by name; the capabilities tell which are required.
        attributes: Answers,
    },
    /// Replace the password of the credentials.
    ChangePassword {
        /// The next password.
        new_password: SecretString,
    },
    /// Have a code or a temporary password sent.
    ForgotPassword,
    /// Set a new password with what was sent.
    ConfirmForgotPassword {
        /// The code or temporary password that was sent.
        code: SecretString,
        /// The next password.
        new_password: SecretString,
    },
    /// Ask whom the token belongs to.
    WhoAmI,
    /// An operation that this provider alone has.
    Extension {
        /// One of [`crate::Capabilities::extensions`].
        name: Box<str>,
        /// Its input.
        input: Answers,
    },
}

impl Operation {
    /// The name for errors, logs and budgets: `sign_in`, `refresh`, …
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Answer { .. } => "answer",
            Self::Continue { of, .. } => of.name(),
            Self::Refresh => "refresh",
            Self::Revoke => "revoke",
            Self::SignOutEverywhere => "sign_out_everywhere",
            Self::Register { .. } => "register",
            Self::ChangePassword { .. } => "change_password",
            Self::ForgotPassword => "forgot_password",
            Self::ConfirmForgotPassword { .. } => "confirm_forgot_password",
            Self::WhoAmI => "who_am_i",
            Self::Extension { .. } => "extension",
        }
    }
}

/// How an operation ends well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Tokens came.
    Tokens(Box<TokenResponse>, MemoPatch),
    /// A further proof is asked for.
    Challenge(Box<Challenge>, MemoPatch),
    /// The adapter goes on alone with [`Operation::Continue`]. Rounds are bounded by the engine.
    Continue(Continuation, MemoPatch),
    /// It is done; what the provider told beside it.
    Done(Profile, MemoPatch),
}

impl Outcome {
    /// Tokens came, and nothing to remember.
    pub fn tokens(tokens: TokenResponse) -> Self {
        Self::Tokens(Box::new(tokens), MemoPatch::none())
    }

    /// It is done, nothing was told and nothing is to be remembered.
    pub fn done() -> Self {
        Self::Done(Profile::new(), MemoPatch::none())
    }
}

/// The adapter's own durable facts in the record: an internal user name, a device key. Secret, small.
#[derive(Clone, Default)]
pub struct Memo(std::collections::BTreeMap<Box<str>, SecretBytes>);

impl Memo {
    /// A memo of the given facts.
    pub fn from_entries(entries: impl IntoIterator<Item = (Box<str>, SecretBytes)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// A fact.
    pub fn get(&self, name: &str) -> Option<&SecretBytes> {
        self.0.get(name)
    }

    /// A fact as text; `None` if it is not UTF-8.
    pub fn text(&self, name: &str) -> Option<SecretString> {
        SecretString::from_bytes(self.get(name)?.clone())
    }

    /// All facts by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretBytes)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Takes over what an outcome changes.
    pub fn apply(&mut self, patch: MemoPatch) {
        for (name, value) in patch.0 {
            match value {
                Some(value) => drop(self.0.insert(name, value)),
                None => drop(self.0.remove(&name)),
            }
        }
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Changes to a [`Memo`].
#[derive(Clone, Default)]
pub struct MemoPatch(Vec<(Box<str>, Option<SecretBytes>)>);

impl MemoPatch {
    /// No change.
    pub fn none() -> Self {
        Self::default()
    }

    /// Remembers `value` under `name`.
    #[must_use]
    pub fn set(mut self, name: &str, value: SecretBytes) -> Self {
        self.0.push((name.into(), Some(value)));
        self
    }

    /// Forgets `name`.
    #[must_use]
    pub fn forget(mut self, name: &str) -> Self {
        self.0.push((name.into(), None));
        self
    }

    /// This patch, then `later`.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.0.extend(later.0);
        self
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for MemoPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoPatch")?;
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
