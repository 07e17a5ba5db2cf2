//! What goes to a provider and what comes back, as data that wipes itself.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, ErrorKind, Recovery};
use crate::secret::{SecretBuffer, SecretBytes, SecretString};
use crate::time::Timestamp;

/// Most bodies fit into so many bytes: a token and its names.
const USUAL_BODY: usize = 1024;

/// A request that an adapter has built: absolute address, headers, body.
///
/// The body is wiped on drop. `Debug` shows method and path only.
#[derive(Clone)]
pub struct HttpRequest(http::Request<SecretBytes>);

impl HttpRequest {
    /// A request without a body.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if `url` is no address.
    pub fn new(method: Method, url: &str) -> Result<Self, Error> {
        let request = http::Request::builder().method(method).uri(url);
        let request = request.body(SecretBytes::default()).map_err(|_| {
            Error::new(ErrorKind::Configuration).hint("the address of an operation is no URL")
        })?;
        Ok(Self(request))
    }

    /// A `POST` whose body is `body` as JSON, with `Accept: application/json`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if `url` is no address, [`ErrorKind::Internal`] if `body` cannot
    /// be written.
    pub fn post_json(url: &str, body: &impl Serialize) -> Result<Self, Error> {
        let mut buffer = SecretBuffer::with_capacity(USUAL_BODY);
        serde_json::to_writer(&mut buffer, body).map_err(|_| {
            Error::new(ErrorKind::Internal).hint("a request body could not be written")
        })?;
        let mut request = Self::new(Method::POST, url)?;
        *request.0.body_mut() = buffer.finish();
        request.set(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.set(header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// A `POST` whose body is `fields` as a form (`application/x-www-form-urlencoded`), with
    /// `Accept: application/json`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if `url` is no address.
    pub fn post_form(url: &str, fields: &[(&str, &str)]) -> Result<Self, Error> {
        let plain = fields.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut buffer = SecretBuffer::with_capacity(plain);
        for (n, (name, value)) in fields.iter().enumerate() {
            if n > 0 {
                buffer.push(b"&");
            }
            push_form_encoded(&mut buffer, name);
            buffer.push(b"=");
            push_form_encoded(&mut buffer, value);
        }
        let mut request = Self::new(Method::POST, url)?;
        *request.0.body_mut() = buffer.finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.set(header::CONTENT_TYPE, form);
        request.set(header::ACCEPT, HeaderValue::from_static("application/json"));
        Ok(request)
    }

    /// Sets a header, replacing one of that name.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.headers_mut().insert(name, value);
    }

    /// The method.
    pub fn method(&self) -> &Method {
        self.0.method()
    }

    /// The absolute address.
    pub fn uri(&self) -> &http::Uri {
        self.0.uri()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// The body.
    pub fn body(&self) -> &SecretBytes {
        self.0.body()
    }

    /// The parts, for a transport.
    pub fn into_inner(self) -> http::Request<SecretBytes> {
        self.0
    }
}

impl From<http::Request<SecretBytes>> for HttpRequest {
    /// The other way round from [`HttpRequest::into_inner`]: for a transport that changes what it sends on.
    fn from(request: http::Request<SecretBytes>) -> Self {
        Self(request)
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({} {})", self.0.method(), self.0.uri().path())
    }
}

/// A provider's answer with its whole body, already decoded and bounded by the transport.
#[derive(Clone)]
pub struct HttpResponse(http::Response<SecretBytes>);

impl HttpResponse {
    /// An answer.
    pub fn new(status: StatusCode, headers: HeaderMap, body: SecretBytes) -> Self {
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Self(response)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// A header as text; `None` if it is missing or not visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The body.
    pub fn body(&self) -> &SecretBytes {
        self.0.body()
    }

    /// Whether nothing but white space came.
    pub fn is_blank(&self) -> bool {
        self.0.body().expose_bytes().iter().all(u8::is_ascii_whitespace)
    }

    /// Whether the body looks like a page of markup rather than JSON (a gateway's error page).
    pub fn is_html(&self) -> bool {
        let start = self.0.body().expose_bytes().iter().find(|b| !b.is_ascii_whitespace());
        start == Some(&b'<')
            || self.header("content-type").is_some_and(|t| t.starts_with("text/html"))
    }

    /// Reads the body as JSON, whatever the `Content-Type` says.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] without a word of the body: if it is a page of markup, empty, no JSON,
    /// nested deeper than 128, or not of the shape of `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.0.body().expose_bytes()).map_err(|error| {
            let hint = if self.is_blank() {
                "the answer is empty".into()
            } else if self.is_html() {
                "the answer is a web page; a gateway or a wrong address answers in the provider's place".into()
            } else {
                let what = match error.classify() {
                    serde_json::error::Category::Data => "JSON of another shape than documented",
                    _ => "not JSON",
                };
                format!("the answer is {what} (line {}, column {})", error.line(), error.column())
            };
            Error::new(ErrorKind::Protocol).with_status(self.status()).hint(hint)
        })
    }

    /// The instant that `Retry-After` names, as seconds or as a date (RFC 9110 §10.2.3), if it lies
    /// after `now`.
    pub fn retry_after(&self, now: Timestamp) -> Option<Timestamp> {
        let text = self.header("retry-after")?.trim();
        let seconds = text.parse().ok().map(|seconds| now.after(Duration::from_secs(seconds)));
        seconds.or_else(|| Timestamp::parse_http_date(text)).filter(|until| *until > now)
    }

    /// The failure that the status alone tells, whoever sent it: a redirect, which no call with
    /// credentials follows (`Protocol`); 408, 425 and all of 5xx (`TemporarilyUnavailable`); 429
    /// (`RateLimited`). Both of these wait as `Retry-After` says. `None` for every other status: what that
    /// means is the provider's to say.
    ///
    /// ```
    /// use countersign_core::{ErrorKind, Recovery, SecretBytes, Timestamp, http::HttpResponse};
    /// use http::{HeaderMap, StatusCode};
    ///
    /// let answer = |status| HttpResponse::new(status, HeaderMap::new(), SecretBytes::default());
    /// let now = Timestamp::UNIX_EPOCH;
    /// let outage = answer(StatusCode::BAD_GATEWAY).status_error(now).map(|error| error.recovery());
    /// assert_eq!(outage, Some(Recovery::Retry));
    /// assert!(answer(StatusCode::UNAUTHORIZED).status_error(now).is_none());
    /// ```
    pub fn status_error(&self, now: Timestamp) -> Option<Error> {
        let wait = || self.retry_after(now).map_or(Recovery::Retry, Recovery::WaitUntil);
        let error = match self.status().as_u16() {
            300..=399 => Error::new(ErrorKind::Protocol).hint(
                "the answer is a redirect, which a call with credentials does not follow; correct the configured address (scheme, host, path)",
            ),
            408 | 425 | 500..=599 => Error::new(ErrorKind::TemporarilyUnavailable)
                .with_recovery(wait())
                .hint("the provider or a gateway before it fails; the same call can succeed later"),
            429 => Error::new(ErrorKind::RateLimited).with_recovery(wait()),
            _ => return None,
        };
        Some(error.with_status(self.status()))
    }

    /// The first part of an answer: status and headers.
    pub fn head(&self) -> ResponseHead<'_> {
        ResponseHead { status: self.0.status(), headers: self.0.headers() }
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpResponse({})", self.0.status().as_u16())
    }
}

/// Status and headers of an answer whose body has not been read.
#[derive(Clone, Copy)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl fmt::Debug for ResponseHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseHead({})", self.status.as_u16())
    }
}

/// A header value that is never printed and never indexed by HTTP/2, over shared, zeroizing bytes.
///
/// # Errors
/// [`ErrorKind::Internal`] if the text holds anything that a header cannot.
pub fn secret_header(value: &SecretString) -> Result<HeaderValue, Error> {
    let mut header =
        HeaderValue::from_maybe_shared(value.to_bytes().expose_shared()).map_err(|_| {
            Error::new(ErrorKind::Internal).hint("a credential does not fit into a header")
        })?;
    header.set_sensitive(true);
    Ok(header)
}

/// `Bearer` and a token (RFC 6750 §2.1), with exactly one space, as a [`secret_header`]. For the secret
/// of an [`crate::AccessToken`] or [`crate::IdToken`] nothing is copied.
///
/// # Errors
/// See [`secret_header`].
pub fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let whole = token.clone().behind(BEARER).with_scheme(BEARER).unwrap_or_default();
    secret_header(&SecretString::from_bytes(whole).unwrap_or_default())
}

/// What comes before a token in a header; access and ID tokens are kept right behind it, so that a
/// session does not hold each of them twice.
pub(crate) const BEARER: &str = "Bearer ";

/// `application/x-www-form-urlencoded` (WHATWG URL §5.2): everything but `*-._` and alphanumerics is
/// percent-encoded, a space becomes `+`.
fn push_form_encoded(buffer: &mut SecretBuffer, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
    // What is plain goes in one piece: nearly all of a token is.
    for piece in text.as_bytes().split_inclusive(|byte| !is_plain(*byte)) {
        match piece {
            [plain @ .., b' '] => {
                buffer.push(plain);
                buffer.push(b"+");
            }
            [plain @ .., byte] if !is_plain(*byte) => {
                buffer.push(plain);
                buffer.push(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            plain => buffer.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_requests_and_answers_show_no_content_in_debug() {
        let request =
            HttpRequest::post_json("https://a.example/p?canary-query", &["canary-body"]).unwrap();
        let body = SecretBytes::copy_from(b"canary-body");
        let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), body);
        let header = secret_header(&SecretString::new("canary-token")).unwrap();
        let shown = format!("{request:?} {response:?} {header:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_and_never_lies_in_the_past() {
        let now = Timestamp::from_seconds(784_111_700);
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_str(text).unwrap());
            HttpResponse::new(StatusCode::OK, headers, SecretBytes::default()).retry_after(now)
        };
        let expected = Some(Timestamp::from_seconds(784_111_777));
        assert_eq!(wait("77"), expected);
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(wait("18446744073709551615"), Some(Timestamp::MAX));
        for none in ["0", "-5", "soon", "Sun, 06 Nov 1993 08:49:37 GMT"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }

    #[test]
    fn f42_a_status_that_speaks_for_itself_ends_no_session() {
        let now = Timestamp::from_seconds(784_111_700);
        let told = |status: u16, wait: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.extend(wait.map(|text| (header::RETRY_AFTER, text.parse().unwrap())));
            let status = StatusCode::from_u16(status).unwrap();
            let error =
                HttpResponse::new(status, headers, SecretBytes::default()).status_error(now);
            error.map(|error| (error.kind(), error.recovery(), error.status()))
        };
        let later = Recovery::WaitUntil(now.after(Duration::from_secs(7)));
        for status in [408, 425, 500, 502, 503, 504, 599] {
            let kind = ErrorKind::TemporarilyUnavailable;
            assert_eq!(told(status, None), Some((kind, Recovery::Retry, Some(status))));
            assert_eq!(told(status, Some("7")), Some((kind, later, Some(status))));
        }
        assert_eq!(told(429, Some("7")), Some((ErrorKind::RateLimited, later, Some(429))));
        let redirect = Some((ErrorKind::Protocol, Recovery::GiveUp, Some(307)));
        assert_eq!(told(307, None), redirect);
        for others in [200, 204, 400, 401, 403, 404, 409, 422] {
            assert_eq!(told(others, Some("7")), None, "{others}");
        }
    }

    #[test]
    fn a_form_is_encoded_as_the_platform_does() {
        let request =
            HttpRequest::post_form("https://a.example/", &[("audience", "https://b c/~é")])
                .unwrap();
        assert_eq!(request.body().expose_bytes(), b"audience=https%3A%2F%2Fb+c%2F%7E%C3%A9");
        let ends = [("a", ""), ("b", " "), ("c", "*-._"), ("d", " x "), ("e", "\u{0}%9z+")];
        let request = HttpRequest::post_form("https://a.example/", &ends).unwrap();
        assert_eq!(request.body().expose_bytes(), b"a=&b=+&c=*-._&d=+x+&e=%00%259z%2B");
    }

    #[test]
    fn f49_an_answer_that_is_not_json_is_told_without_its_content() {
        for body in ["<html>canary", "canary", "", "{\"a\":", "\"canary\""] {
            let body = SecretBytes::copy_from(body.as_bytes());
            let response = HttpResponse::new(StatusCode::OK, HeaderMap::new(), body);
            let error = response.json::<Vec<u8>>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
