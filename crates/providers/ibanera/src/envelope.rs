//! The common response format: `{id, details, status, errors}`.

use countersign_core::FieldError;
use serde::Deserialize;
use serde_json::Value;

/// A success: `status` is the string `"1"`, and nothing else is one.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    status: Option<String>,
    pub(crate) details: Option<T>,
}

/// A failure, read whatever the form of its members: a lock that is missed is run into again.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Failure {
    status: Value,
    errors: Value,
}

/// The documented message codes of a login, the most telling first: where several come, the first of
/// this list decides.
const KNOWN: [&str; 5] = [
    "Account_Locked",
    "Account_Suppressed",
    "Account_Not_Verified",
    "Username_Or_Password_Incorrect",
    "Required",
];

impl<T> Envelope<T> {
    pub(crate) fn is_success(&self) -> bool {
        self.status.as_deref() == Some("1")
    }
}

impl Failure {
    /// Reads the outside of an answer. Not every one has an envelope.
    pub(crate) fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether it says no, in the documented form or as a number.
    pub(crate) fn says_no(&self) -> bool {
        self.status == "0" || self.status == 0
    }

    /// The message code that decides: the most telling documented one, else the first.
    pub(crate) fn code(&self) -> Option<&str> {
        self.known_code().or_else(|| self.codes().next())
    }

    /// The most telling documented message code.
    pub(crate) fn known_code(&self) -> Option<&'static str> {
        KNOWN.into_iter().find(|known| self.codes().any(|code| code == *known))
    }

    /// Every complaint, as the provider spells it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldError> {
        self.complaints().map(|complaint| {
            let text = |name: &str| complaint.get(name).and_then(Value::as_str).unwrap_or_default();
            FieldError::new(text("fieldName"), text("messageCode"))
        })
    }

    fn complaints(&self) -> impl Iterator<Item = &Value> {
        self.errors.as_array().into_iter().flatten().filter(|complaint| complaint.is_object())
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        self.complaints().filter_map(|complaint| complaint.get("messageCode")?.as_str())
    }
}
