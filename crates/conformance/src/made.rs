//! Answers that a fault makes, or makes something else of.

use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{SecretBytes, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::echo;
use crate::fault::Fault;

/// What comes in the place of the server's answer, where the fault is of that kind.
pub(crate) fn instead(fault: &Fault, request: &HttpRequest) -> Option<HttpResponse> {
    Some(match fault {
        Fault::Instead { status, content_type, body } => {
            answer(*status, one_header(header::CONTENT_TYPE, content_type), body.as_bytes())
        }
        Fault::Bytes { status, content_type, body } => {
            answer(*status, one_header(header::CONTENT_TYPE, content_type), body)
        }
        Fault::Echo(status) => {
            let headers = one_header(header::CONTENT_TYPE, "application/json");
            answer(*status, headers, &echo::body(request))
        }
        Fault::Redirect(to) => redirect(to),
        _ => return None,
    })
}

/// A redirect that keeps method and body (RFC 9110 §15.4.8).
pub(crate) fn redirect(to: &str) -> HttpResponse {
    answer(307, one_header(header::LOCATION, to), b"")
}

/// What becomes of the server's answer, where the fault is of that kind; else the same.
pub(crate) fn changed(fault: &Fault, answer: &HttpResponse, now: Timestamp) -> HttpResponse {
    let date = |millis: i64| http_date(now.shifted(millis));
    match fault {
        Fault::Shortened(most) => shortened(answer, *most),
        Fault::Header(name, value) => match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => with_header(answer, name, value),
            // The bench lets no such fault through.
            Err(_) => answer.clone(),
        },
        Fault::WrongDate(millis) => with_header(answer, header::DATE, &date(*millis)),
        Fault::KeptDate(millis) => {
            let kept = with_header(answer, header::AGE, "120");
            with_header(&kept, header::DATE, &date(*millis))
        }
        _ => answer.clone(),
    }
}

/// The same with no more than so many bytes of its body.
pub(crate) fn shortened(answer: &HttpResponse, most: usize) -> HttpResponse {
    let body = answer.body().expose_bytes();
    let body = SecretBytes::copy_from(&body[..most.min(body.len())]);
    HttpResponse::new(answer.status(), answer.headers().clone(), body)
}

fn answer(status: u16, headers: HeaderMap, body: &[u8]) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    HttpResponse::new(status, headers, SecretBytes::copy_from(body))
}

fn one_header(name: HeaderName, value: &str) -> HeaderMap {
    HeaderValue::from_str(value)
        .map(|value| [(name, value)].into_iter().collect())
        .unwrap_or_default()
}

fn with_header(answer: &HttpResponse, name: HeaderName, value: &str) -> HttpResponse {
    let mut headers = answer.headers().clone();
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
    HttpResponse::new(answer.status(), headers, answer.body().clone())
}

/// A date as HTTP writes it (RFC 9110 §5.6.7).
fn http_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_is_read() {
        for seconds in [0, 784_111_777, 951_827_696, 1_790_000_000, 4_102_444_799] {
            let at = Timestamp::from_seconds(seconds);
            assert_eq!(Timestamp::parse_http_date(&http_date(at)), Some(at), "{seconds}");
        }
        assert_eq!(
            http_date(Timestamp::from_seconds(784_111_777)),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
    }
}
