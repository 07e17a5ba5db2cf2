//! Answers as the bytes that a client reads (RFC 9112).

use std::io::{self, Write};

use countersign_core::SecretBuffer;
use countersign_core::SecretBytes;
use countersign_core::http::HttpResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, StatusCode, header};

/// What holds for one connection alone (RFC 9110 §7.6.1), and what is written anew.
const OF_THE_CONNECTION: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes out what holds for one connection alone.
pub(super) fn without_hops(headers: &mut HeaderMap) {
    for name in &OF_THE_CONNECTION {
        headers.remove(name);
    }
}

/// An answer whole, as the last one of its connection.
pub(super) fn of(answer: &HttpResponse) -> SecretBytes {
    let mut bytes = SecretBuffer::new();
    let length = answer.body().len();
    head(&mut bytes, answer.status(), answer.headers(), Some(length));
    bytes.push(answer.body().expose_bytes());
    bytes.finish()
}

/// How many of the bytes of `answer` come before its body.
pub(super) fn head_of(answer: &HttpResponse) -> usize {
    of(answer).len() - answer.body().len()
}

/// The head of an answer that never ends.
pub(super) fn endless() -> SecretBytes {
    let mut bytes = SecretBuffer::new();
    let json = [(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))];
    head(&mut bytes, StatusCode::OK, &json.into_iter().collect(), None);
    bytes.finish()
}

/// A small answer that unpacks to so many spaces.
///
/// # Errors
/// None that memory does not give.
pub(super) fn bomb(total: u64) -> io::Result<SecretBytes> {
    let spaces = [b' '; 64 * 1024];
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let mut left = total;
    while left > 0 {
        let now = left.min(spaces.len() as u64);
        packed.write_all(&spaces[..usize::try_from(now).unwrap_or(spaces.len())])?;
        left -= now;
    }
    let packed = packed.finish()?;
    let headers = [
        (header::CONTENT_TYPE, http::HeaderValue::from_static("application/json")),
        (header::CONTENT_ENCODING, http::HeaderValue::from_static("gzip")),
    ];
    let mut bytes = SecretBuffer::new();
    head(&mut bytes, StatusCode::OK, &headers.into_iter().collect(), Some(packed.len()));
    bytes.push(&packed);
    Ok(bytes.finish())
}

fn head(bytes: &mut SecretBuffer, status: StatusCode, headers: &HeaderMap, length: Option<usize>) {
    let reason = status.canonical_reason().unwrap_or_default();
    bytes.push(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
    let mut headers = headers.clone();
    without_hops(&mut headers);
    for (name, value) in &headers {
        bytes.push(name.as_str().as_bytes());
        bytes.push(b": ");
        bytes.push(value.as_bytes());
        bytes.push(b"\r\n");
    }
    // An answer that must have no body must not tell its length either (RFC 9110 §8.6).
    if let (Some(length), false) = (length, status == StatusCode::NO_CONTENT) {
        bytes.push(format!("content-length: {length}\r\n").as_bytes());
    }
    bytes.push(b"connection: close\r\n\r\n");
}
