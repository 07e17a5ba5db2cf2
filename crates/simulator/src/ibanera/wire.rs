//! Bodies of requests and answers of Ibanera's API, in its common envelope.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::wire;

/// The envelope of most answers. `status` is a text: `"1"` is success, `"0"` failure.
#[derive(Serialize)]
struct Envelope<T> {
    id: u64,
    details: Option<T>,
    status: &'static str,
    errors: Vec<FieldError>,
}

/// One error of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldError {
    pub(super) field_name: String,
    pub(super) message_code: String,
}

impl FieldError {
    pub(super) fn new(field_name: &str, message_code: &str) -> Self {
        Self { field_name: field_name.to_owned(), message_code: message_code.to_owned() }
    }
}

/// A time in seconds: a number as documented, or the text that a client was seen to expect.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(u64),
    Text(String),
}

/// What a sign-in gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedIn {
    pub(super) access_token: String,
    pub(super) expires_in: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token_expires_in: Option<Seconds>,
}

pub(super) fn success(details: impl Serialize) -> Response<Bytes> {
    let envelope = Envelope { id: 0, details: Some(details), status: "1", errors: Vec::new() };
    wire::json(StatusCode::OK, &envelope)
}

pub(super) fn failure(status: StatusCode, errors: Vec<FieldError>) -> Response<Bytes> {
    wire::json(status, &Envelope::<()> { id: 0, details: None, status: "0", errors })
}
