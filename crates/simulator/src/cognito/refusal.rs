//! How the pool says no: an exception's name and its text, in body and headers.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::{Settings, wire};

/// One exception.
#[derive(Debug)]
pub(super) struct Refusal {
    name: String,
    text: String,
    word: &'static str,
}

impl Refusal {
    /// An exception with its text, and the word for records.
    pub(super) fn new(name: &str, text: impl Into<String>, word: &'static str) -> Self {
        Self { name: name.to_owned(), text: text.into(), word }
    }

    pub(super) fn not_authorized(text: &str, word: &'static str) -> Self {
        Self::new("NotAuthorizedException", text, word)
    }

    pub(super) fn invalid_parameter(text: impl Into<String>, word: &'static str) -> Self {
        Self::new("InvalidParameterException", text, word)
    }

    /// A wrong password, and by setting an unknown user.
    pub(super) fn incorrect(word: &'static str) -> Self {
        Self::not_authorized("Incorrect username or password.", word)
    }

    /// A member that the model requires is missing.
    pub(super) fn missing_member(member: &str) -> Self {
        let text = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"
        );
        Self::invalid_parameter(text, "missing_member")
    }

    /// A parameter inside a map is missing.
    pub(super) fn missing_parameter(name: &str) -> Self {
        Self::invalid_parameter(format!("Missing required parameter {name}"), "missing_parameter")
    }

    /// The word for records.
    pub(super) fn word(&self) -> &'static str {
        self.word
    }

    pub(super) fn response(&self, settings: &Settings) -> Response<Bytes> {
        let status = match self.name.as_str() {
            "InternalErrorException" => StatusCode::INTERNAL_SERVER_ERROR,
            "TooManyRequestsException" => settings.throttle_status,
            _ => StatusCode::BAD_REQUEST,
        };
        let kind = match &settings.error_namespace {
            None => self.name.clone(),
            Some(namespace) => format!("{namespace}#{}", self.name),
        };
        let mut response = wire::answer(status, &json!({ "__type": kind, "message": self.text }));
        if settings.error_headers {
            // Seen live with a colon at its end.
            for (name, value) in [
                ("x-amzn-errortype", format!("{}:", self.name)),
                ("x-amzn-errormessage", self.text.clone()),
            ] {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        response
    }
}
