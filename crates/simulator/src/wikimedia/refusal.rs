//! How the service says no: a status and a message of prose, labelled as the client will have it.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;

use super::InternalForm;
use crate::wire;

/// The message of every failure that is the service's own, and of every invalid request.
pub(super) const INTERNAL: &str = "Internal error, please try again later.";

const OFFERED: [&str; 2] = ["application/json", "application/x-ndjson"];

/// One refusal, with the word for records.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    pub(super) word: &'static str,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>, word: &'static str) -> Self {
        Self { status, message: message.into(), word }
    }

    pub(super) fn unauthorized(message: impl Into<String>, word: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message, word)
    }

    /// 422, with a text that speaks of something else.
    pub(super) fn invalid() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, INTERNAL, "invalid_request")
    }

    pub(super) fn internal(word: &'static str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, word)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found", "not_found")
    }

    /// The answer to this request: always one line of JSON, whatever the client accepts; only its label differs.
    pub(super) fn response_to(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let accept = wire::header_text(request.headers(), "accept").unwrap_or_default();
        self.labelled(label(accept))
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        self.labelled(OFFERED[0])
    }

    fn labelled(&self, label: &'static str) -> Response<Bytes> {
        let body = json!({ "status": self.status.as_u16(), "message": self.message });
        let mut response = wire::json(self.status, &body);
        *response.body_mut() = format!("{body}\n").into();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(label));
        response
    }
}

/// A 500 in one of its forms.
pub(super) fn internal_error(form: InternalForm) -> Response<Bytes> {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    match form {
        InternalForm::Empty => wire::empty(status),
        InternalForm::Message => Refusal::internal("fault").response(),
        InternalForm::StatusText => {
            Refusal::new(status, "Internal Server Error", "fault").response()
        }
    }
}

/// The first of the two offered types that the client accepts. Where it accepts neither the type is guessed from the
/// body, which looks like plain text.
fn label(accept: &str) -> &'static str {
    if accept.is_empty() {
        return OFFERED[0];
    }
    let accepted = accept.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
    accepted
        .filter_map(|one| {
            OFFERED.into_iter().find(|offered| match one.split_once('*') {
                None => *offered == one,
                Some((before, _)) => offered.starts_with(before),
            })
        })
        .next()
        .unwrap_or("text/plain; charset=utf-8")
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn the_label_is_the_first_type_that_is_accepted() {
        for (accept, expected) in [
            ("", "application/json"),
            ("*/*", "application/json"),
            ("application/json", "application/json"),
            ("text/html, application/*;q=0.9", "application/json"),
            ("application/x-ndjson, application/json", "application/x-ndjson"),
            ("text/html", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(label(accept), expected, "{accept}");
        }
    }
}
