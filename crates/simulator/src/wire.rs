//! Plain answers: JSON, text, HTML or nothing.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::token_book::Access;

/// An answer with a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // The bodies are plain structs and values with string keys, which always serialise.
    with_body(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// An answer with a body of plain text.
#[must_use]
pub fn text(status: StatusCode, body: &str) -> Response<Bytes> {
    with_body(status, "text/plain; charset=utf-8", body.as_bytes().to_vec())
}

/// An answer with an HTML page.
#[must_use]
pub fn html(status: StatusCode, body: &str) -> Response<Bytes> {
    with_body(status, "text/html; charset=utf-8", body.as_bytes().to_vec())
}

/// An answer without a body.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The one value of a request's header, as text; `None` if it is missing or not ASCII.
#[must_use]
pub fn header_text<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the request says that its body is of this media type.
#[must_use]
pub fn is_of_type(headers: &http::HeaderMap, media_type: &str) -> bool {
    let named = header_text(headers, "content-type").and_then(|value| value.split(';').next());
    named.is_some_and(|named| named.trim().eq_ignore_ascii_case(media_type))
}

/// The pairs of a form (`application/x-www-form-urlencoded`); `None` if it is not one.
#[must_use]
pub fn form(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((percent_decoded(name)?, percent_decoded(value)?))
        })
        .collect()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
                let [Some(high), Some(low)] = pair else { return None };
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn with_body(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What an authorised resource answers: who called, with which generation, and what was posted.
#[derive(Clone, Serialize)]
pub struct Echo {
    /// The account whose token was presented.
    pub account: String,
    /// The generation of that token.
    pub generation: u64,
    /// The method.
    pub method: String,
    /// The posted body: as JSON if it is JSON, else as text; `null` if there was none.
    pub body: serde_json::Value,
}

impl Echo {
    /// The echo of a request that presented this token.
    #[must_use]
    pub fn of(request: &http::Request<Bytes>, token: &Access) -> Self {
        let posted = request.body();
        let body = match serde_json::from_slice(posted) {
            _ if posted.is_empty() => serde_json::Value::Null,
            Ok(value) => value,
            Err(_) => serde_json::Value::from(String::from_utf8_lossy(posted)),
        };
        let account = token.account.clone();
        Self { account, generation: token.generation, method: request.method().to_string(), body }
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo")
            .field("account", &self.account)
            .field("generation", &self.generation)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn a_form_is_decoded_and_nonsense_refused() {
        let pairs = form(b"audience=https%3A%2F%2Fapi.example&name=a+b%2B").unwrap();
        assert_eq!(pairs["audience"], "https://api.example");
        assert_eq!(pairs["name"], "a b+");
        assert!(form(b"a=%4").is_none() && form(b"a=%zz").is_none() && form(b"alone").is_none());
    }
}
