//! Defects that IGNY8 alone shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use countersign_core::{
    Ambient, Error, ErrorKind, HttpTransport, Lifetime, Operation, Outcome, Recovery, Rejection,
    SecretString, Timestamp, Verdict,
};
use http::{HeaderValue, StatusCode, header};

use super::ibex::says;
use super::seams::{self, BrokenTransport};
use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "one-name-for-tokens",
        title: "Tokens are read by the names of one page of the vendor alone",
        target: "igny8",
        caught_by: "p12-long-names",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "\"access_token\"") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "refresh-must-bring-both",
        title: "A refresh answer without a refresh token is taken for a broken one",
        target: "igny8",
        caught_by: "p12-refresh-without-a-refresh-token",
        engine: || {
            simple::reads(|operation, _, _, outcome| match (operation, &outcome) {
                (Operation::Refresh, Ok(Outcome::Tokens(tokens, _)))
                    if tokens.refresh_token.is_none() =>
                {
                    Err(Error::new(ErrorKind::Protocol))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "expiry-must-be-a-number",
        title: "An expiry that is written out as a date makes an answer a broken one",
        target: "igny8",
        caught_by: "p12-expiry-fields",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "expires_at\":\"") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "negative-end-of-a-token-is-no-end",
        title: "An `exp` below zero is read as a number without a sign: the token never ends",
        target: "igny8",
        caught_by: "f49-expiry-negative",
        engine: || {
            simple::reads(|_, _, _, mut outcome| {
                if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome
                    && payload(tokens.access_token.secret()).contains("\"exp\":-1")
                {
                    tokens.access_expiry = Some(Lifetime::For(Duration::from_secs(u64::MAX)));
                }
                outcome
            })
        },
    },
    Defect {
        id: "refresh-path-of-one-page",
        title: "A refresh goes to the path of one page of the vendor, whatever is set",
        target: "igny8",
        caught_by: "p12-another-refresh-path",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let request = real.request(operation, ambient)?;
                let url = request.uri().to_string().replace("/token/refresh/", "/refresh/");
                let body = request.body().expose_bytes();
                match serde_json::from_slice::<serde_json::Value>(body) {
                    Ok(body) => HttpRequest::post_json(&url, &body),
                    Err(_) => Ok(request),
                }
            })
        },
    },
    Defect {
        id: "refresh-field-of-one-page",
        title: "A refresh names its token as one page of the vendor does, whatever is set",
        target: "igny8",
        caught_by: "p12-another-refresh-path",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let request = real.request(operation, ambient)?;
                let body = String::from_utf8_lossy(request.body().expose_bytes());
                let body = body.replace("\"refresh_token\":", "\"refresh\":");
                match serde_json::from_str::<serde_json::Value>(&body) {
                    Ok(body) if matches!(operation, Operation::Refresh) => {
                        HttpRequest::post_json(&request.uri().to_string(), &body)
                    }
                    _ => Ok(request),
                }
            })
        },
    },
    Defect {
        id: "envelope-not-read",
        title: "A refusal with the status 200 is taken for an answer that makes no sense",
        target: "igny8",
        caught_by: "p13-envelope-decides",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "\"success\":false") {
                true if response.status().is_success() => Err(Error::new(ErrorKind::Protocol)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "cookies-kept",
        title: "The HTTP client keeps cookies and sends them back",
        target: "igny8",
        caught_by: "p13-slashes-and-no-cookies",
        engine: || seams::transport(CookieStore::default()),
    },
    Defect {
        id: "forbidden-means-nothing",
        title: "A 403 is never read for its text",
        target: "igny8",
        caught_by: "p14-403-not-signed-in",
        engine: || {
            simple::judges(|real, head, body| match head.status {
                StatusCode::FORBIDDEN => Verdict::Accepted,
                _ => real.rejects(head, body),
            })
        },
    },
    Defect {
        id: "any-forbidden-is-not-signed-in",
        title: "Every 403 is taken for one that says that nobody is signed in",
        target: "igny8",
        caught_by: "p14-403-not-permitted",
        engine: || {
            simple::judges(|real, head, body| match head.status {
                StatusCode::FORBIDDEN => Verdict::Rejected(Rejection::InvalidToken),
                _ => real.rejects(head, body),
            })
        },
    },
    Defect {
        id: "reset-taken-for-seconds",
        title: "The moment in `X-Throttle-Reset` is taken for a number of seconds",
        target: "igny8",
        caught_by: "p15-reset-is-a-moment",
        engine: || {
            simple::reads(|_, response, ambient, outcome| {
                let reset = response.header("x-throttle-reset").and_then(|text| text.parse().ok());
                match (reset, outcome) {
                    (Some(reset), Err(error)) => {
                        let span = Timestamp::from_seconds(reset).since(Timestamp::UNIX_EPOCH);
                        Err(error.with_recovery(Recovery::WaitUntil(ambient.now.after(span))))
                    }
                    (_, outcome) => outcome,
                }
            })
        },
    },
    Defect {
        id: "throttled-refresh-ends-it",
        title: "A refresh that is throttled is taken for one that is refused",
        target: "igny8",
        caught_by: "p15-throttled-refresh-waits",
        engine: || {
            simple::reads(|operation, response, _, outcome| match operation {
                Operation::Refresh if response.status() == StatusCode::TOO_MANY_REQUESTS => {
                    Err(Error::new(ErrorKind::InvalidGrant))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "page-of-a-gateway-ends-it",
        title: "A page with an error status is taken for a definite refusal",
        target: "igny8",
        caught_by: "p13-pages-of-django",
        engine: || {
            simple::reads(|_, response, _, outcome| match response.is_html() {
                true => Err(Error::new(ErrorKind::InvalidGrant)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "registered-with-another-password",
        title: "A new account is made with its password in lower case",
        target: "igny8",
        caught_by: "registered-and-signed-in",
        engine: || {
            simple::asks(|real, operation, ambient| match operation {
                Operation::Register { .. } => {
                    let password = ambient.credentials.expect_password()?.expose().to_lowercase();
                    let changed = ambient.credentials.clone().with_password(password);
                    real.request(operation, &Ambient { credentials: &changed, ..*ambient })
                }
                _ => real.request(operation, ambient),
            })
        },
    },
];

/// What a token says of itself.
fn payload(token: &SecretString) -> String {
    let middle = token.expose().split('.').nth(1).unwrap_or_default();
    let read = data_encoding::BASE64URL_NOPAD.decode(middle.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&read).into_owned()
}

#[derive(Clone, Default)]
struct CookieStore(Arc<Mutex<Option<HeaderValue>>>);

#[async_trait]
impl BrokenTransport for CookieStore {
    async fn send(
        &self,
        real: &dyn HttpTransport,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, TransportError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cookie) = kept {
            request.set(header::COOKIE, cookie);
        }
        let answer = real.send(request).await?;
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(set.clone());
        }
        Ok(answer)
    }
}
