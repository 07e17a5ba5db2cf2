//! The outside of an answer: `{success, data, message, error, errors, request_id}`, or what Django and
//! proxies say in its place.

use std::collections::BTreeMap;

use countersign_core::FieldError;
use serde::Deserialize;
use serde_json::Value;

/// Everything but `data`, which may hold tokens and is read by itself.
#[derive(Deserialize, Default)]
pub(crate) struct Envelope {
    pub(crate) success: Option<bool>,
    error: Option<Value>,
    /// REST Framework's own name for `error`, where the envelope is missing.
    detail: Option<Value>,
    errors: Option<Value>,
    request_id: Option<Value>,
}

impl Envelope {
    /// The envelope of a failure; an empty one if the body is none.
    pub(crate) fn of_failure(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// The sentence that says what is wrong.
    pub(crate) fn text(&self) -> &str {
        let texts = [&self.error, &self.detail].into_iter().flatten();
        texts.filter_map(Value::as_str).next().unwrap_or_default()
    }

    /// The id of the request, for the support of IGNY8.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.as_ref().and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the sentence means "not signed in", under whatever status: an expired or malformed JWT
    /// falls through to the next authentication class and is reported as missing (vendor's "Logout
    /// causes").
    pub(crate) fn says_not_signed_in(&self) -> bool {
        self.text().starts_with("Authentication credentials")
            || self.text().to_ascii_lowercase().contains("not authenticated")
    }

    /// Whether a field of this name has complaints.
    pub(crate) fn complains_about(&self, field: &str) -> bool {
        self.complaints().contains_key(field)
    }

    /// Complaints by field. Their prose can repeat what was entered, so only a word stands for it.
    pub(crate) fn fields(&self) -> Vec<FieldError> {
        let complaints = self.complaints();
        complaints.iter().map(|(field, texts)| FieldError::new(field, word(texts))).collect()
    }

    /// All prose, for those who ask for it.
    pub(crate) fn prose(&self) -> String {
        let complaints = self.complaints();
        let of_fields = complaints.iter().map(|(field, texts)| format!("{field}: {texts}"));
        let lead = Some(self.text().to_owned()).filter(|text| !text.is_empty());
        lead.into_iter().chain(of_fields).collect::<Vec<_>>().join("; ")
    }

    /// `errors` maps a field to a list of sentences.
    fn complaints(&self) -> BTreeMap<&str, String> {
        let map = self.errors.as_ref().and_then(Value::as_object);
        let entries = map.into_iter().flatten().map(|(field, texts)| {
            let texts: Vec<_> = match texts {
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            (field.as_str(), texts.join(" "))
        });
        entries.collect()
    }
}

/// One word for the usual sentences of REST Framework's validators.
fn word(texts: &str) -> &'static str {
    let texts = texts.to_ascii_lowercase();
    let known = [
        ("required", "required"),
        ("may not be blank", "blank"),
        ("may not be null", "null"),
        ("already exists", "taken"),
        ("must be unique", "taken"),
        ("too short", "too_short"),
        ("too common", "too_common"),
        ("too similar", "too_similar"),
        ("entirely numeric", "entirely_numeric"),
    ];
    known.into_iter().find(|(part, _)| texts.contains(part)).map_or("invalid", |(_, word)| word)
}
