//! The common response format: `{id, details, status, errors}`.

use countersign_core::FieldError;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// `status` is a string: `"1"` for success, `"0"` for an error.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    status: Option<String>,
    pub(crate) details: Option<T>,
    errors: Option<Vec<Complaint>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    field_name: Option<String>,
    message_code: Option<String>,
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
        self.errors.iter().flatten().map(|complaint| {
            FieldError::new(
                complaint.field_name.as_deref().unwrap_or_default(),
                complaint.message_code.as_deref().unwrap_or_default(),
            )
        })
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().flatten().filter_map(|complaint| complaint.message_code.as_deref())
    }
}

/// The outside of an envelope, whatever is in it. Not every answer has one.
pub(crate) fn outside(body: &[u8]) -> Option<Envelope<IgnoredAny>> {
    serde_json::from_slice(body).ok()
}
