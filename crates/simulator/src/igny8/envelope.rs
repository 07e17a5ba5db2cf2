//! The envelope of most answers, and the pages that come without one.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::wire;

/// Messages by field, as the framework gives them.
pub(super) type FieldErrors = BTreeMap<String, Vec<String>>;

/// A refusal: status and text of the envelope, and the word for records.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) word: &'static str,
    error: &'static str,
    errors: FieldErrors,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, word: &'static str) -> Self {
        Self { status, word, error, errors: FieldErrors::new() }
    }

    /// 400 with messages by field.
    pub(super) fn validation(errors: FieldErrors) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "Validation failed", "validation");
        Self { errors, ..refusal }
    }

    pub(super) fn response(&self, status: StatusCode, request_id: &str) -> Response<Bytes> {
        let mut body = json!({ "success": false, "error": self.error, "request_id": request_id });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        wire::json(status, &body)
    }
}

/// Adds one message of a field.
pub(super) fn add(errors: &mut FieldErrors, field: &str, message: &str) {
    errors.entry(field.to_owned()).or_default().push(message.to_owned());
}

pub(super) fn success(
    status: StatusCode,
    data: &impl Serialize,
    request_id: &str,
) -> Response<Bytes> {
    wire::json(status, &json!({ "success": true, "data": data, "request_id": request_id }))
}

/// Django's own page for a path that it does not have.
pub(super) fn not_found_page() -> Response<Bytes> {
    page(StatusCode::NOT_FOUND, "Not Found", "The requested resource was not found on this server.")
}

/// Django's own page for a failure.
pub(super) fn failure_page() -> Response<Bytes> {
    page(StatusCode::INTERNAL_SERVER_ERROR, "Server Error (500)", "")
}

/// The page of a proxy that finds nobody behind it.
pub(super) fn unavailable_page() -> Response<Bytes> {
    page(StatusCode::SERVICE_UNAVAILABLE, "503 Service Temporarily Unavailable", "nginx")
}

fn page(status: StatusCode, title: &str, text: &str) -> Response<Bytes> {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n<body>\n  \
         <h1>{title}</h1><p>{text}</p>\n</body>\n</html>\n"
    );
    wire::html(status, &body)
}
