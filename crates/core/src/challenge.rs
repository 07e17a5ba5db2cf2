//! A further proof that a provider asks for, and its answer. Both can be stored and carried.

use std::collections::BTreeMap;
use std::fmt;

use crate::secret::{SecretBytes, SecretString};
use crate::time::Timestamp;

/// What a provider asks for before it gives tokens. `Debug` names parameters and shows none: they hold
/// addresses and attributes.
#[derive(Clone)]
#[non_exhaustive]
pub struct Challenge {
    /// The provider's name for it, an open string (`SOFTWARE_TOKEN_MFA`). Not yet escaped.
    pub name: Box<str>,
    /// What kind of answer it wants.
    pub kind: ChallengeKind,
    /// What the provider says beside it: where a code was sent, which attributes are missing.
    pub parameters: BTreeMap<String, String>,
    /// Names of the answers that must be given (`code`, `new_password`, `attribute.email`).
    pub wants: Vec<Box<str>>,
    /// After this instant it cannot be answered any more.
    pub expires_at: Timestamp,
    /// How many answers are still allowed, if that is known.
    pub attempts_left: Option<u32>,
    /// Whether the same challenge may be answered again after a refused answer.
    pub reanswerable: bool,
    /// The provider's handle.
    pub continuation: Continuation,
}

impl Challenge {
    /// A challenge that wants the answers which are usual for `kind`.
    pub fn new(
        name: &str,
        kind: ChallengeKind,
        continuation: Continuation,
        expires_at: Timestamp,
    ) -> Self {
        let wants = match kind {
            ChallengeKind::NewPassword => vec!["new_password".into()],
            ChallengeKind::Code => vec!["code".into()],
            ChallengeKind::Choice => vec!["choice".into()],
            ChallengeKind::Unsupported => Vec::new(),
        };
        Self {
            name: name.chars().take(128).collect::<String>().into(),
            kind,
            parameters: BTreeMap::new(),
            wants,
            expires_at,
            attempts_left: None,
            reanswerable: false,
            continuation,
        }
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("parameters", &self.parameters.keys().collect::<Vec<_>>())
            .field("wants", &self.wants)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What kind of answer a challenge wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ChallengeKind {
    /// One of the names in the parameters.
    Choice,
    /// A one-time code.
    Code,
    /// A new password, with attributes where they are missing.
    NewPassword,
    /// This adapter cannot answer it; its name and parameters tell what is asked.
    Unsupported,
}

/// The opaque handle between two steps of a sign-in. Secret, and can be stored.
#[derive(Clone, Debug, Default)]
pub struct Continuation(SecretBytes);

impl Continuation {
    /// A handle; what is in it is the adapter's own affair.
    pub const fn new(bytes: SecretBytes) -> Self {
        Self(bytes)
    }

    /// What the adapter put in.
    pub const fn bytes(&self) -> &SecretBytes {
        &self.0
    }
}

/// Answers to a challenge, or input to an extension, by name. Values are secret.
#[derive(Clone, Default)]
pub struct Answers(BTreeMap<Box<str>, SecretString>);

impl Answers {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One answer named `code`.
    pub fn code(code: impl Into<SecretString>) -> Self {
        Self::new().with("code", code)
    }

    /// One answer named `new_password`.
    pub fn new_password(password: impl Into<SecretString>) -> Self {
        Self::new().with("new_password", password)
    }

    /// Adds an answer.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<SecretString>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// An answer.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// All answers by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}
