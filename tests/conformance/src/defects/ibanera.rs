//! Defects that Ibanera alone shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, ResponseHead};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Error, ErrorKind, Operation, Origin, Outcome, Recovery,
    RefreshSupport, Rejection, Timestamp, TokenSet, Verdict,
};
use countersign_runtime::SessionBuilder;
use http::{HeaderName, HeaderValue, header};

use super::ibex::says;
use super::seams::{self, BrokenAdapter};
use super::{Defect, simple};

const STEP: Duration = Duration::from_secs(30);
const OTP: HeaderName = HeaderName::from_static("otp");

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "status-zero-is-success",
        title: "An answer with a status of success is one, whatever its envelope says",
        target: "ibanera",
        caught_by: "p07-success-status-with-a-failure",
        engine: || {
            simple::alters(|status, body| match status.is_success() {
                true => body.replace("\"status\":\"0\"", "\"status\":\"1\""),
                false => body.to_owned(),
            })
        },
    },
    Defect {
        id: "message-code-needs-a-400",
        title: "A message code is read only where the status is not 200",
        target: "ibanera",
        caught_by: "p07-message-code-in-a-200",
        engine: || {
            simple::reads(|_, response, _, outcome| match outcome {
                Err(_) if response.status().is_success() => Err(Error::new(ErrorKind::Protocol)),
                other => other,
            })
        },
    },
    Defect {
        id: "code-kept-over-its-step",
        title: "Token and code are put together once for each token",
        target: "ibanera",
        caught_by: "p08-code-of-the-moment",
        engine: || seams::adapter(CodeKept::default()),
    },
    Defect {
        id: "code-of-the-step-before",
        title: "Time steps are counted from one, and a request carries the code of the step before",
        target: "ibanera",
        caught_by: "p08-code-of-the-moment",
        engine: || {
            simple::shows(|real, tokens, ambient| {
                with_the_code_of(ambient.now.before(STEP), real, tokens, ambient)
            })
        },
    },
    Defect {
        id: "code-of-the-step-after",
        title: "Time steps are rounded up, and a request carries the code of the step to come",
        target: "ibanera",
        caught_by: "p08-code-of-the-moment",
        engine: || {
            simple::shows(|real, tokens, ambient| {
                with_the_code_of(ambient.now.after(STEP), real, tokens, ambient)
            })
        },
    },
    Defect {
        id: "step-is-rounded",
        title: "The time step is the nearest one and not the one that has begun",
        target: "ibanera",
        caught_by: "p08-code-of-the-moment",
        engine: || {
            simple::shows(|real, tokens, ambient| {
                with_the_code_of(ambient.now.after(STEP / 2), real, tokens, ambient)
            })
        },
    },
    Defect {
        id: "sign-in-with-the-code-before",
        title: "A sign-in carries the code of the step before",
        target: "ibanera",
        caught_by: "f38-at-the-edge-of-a-step",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let now = ambient.now.before(STEP);
                real.request(operation, &Ambient { now, ..*ambient })
            })
        },
    },
    Defect {
        id: "leading-zeros-lost",
        title: "A code is sent as a number",
        target: "ibanera",
        caught_by: "p08-leading-zeros-stay",
        engine: || simple::shows(as_a_number),
    },
    Defect {
        id: "refusal-is-about-the-token",
        title: "Every refusal is taken for one of the token",
        target: "ibanera",
        caught_by: "p08-young-token-is-tried-with-the-next-code",
        engine: || simple::judges(about_the_token),
    },
    Defect {
        id: "code-step-not-claimed",
        title: "The engine does not know that a code opens one sign-in only",
        target: "ibanera",
        caught_by: "p09-renewed-by-signing-in",
        engine: || seams::adapter(LastStepAgain::default()),
    },
    Defect {
        id: "lockout-attempted-inside",
        title: "A locked account is tried again a minute later",
        target: "ibanera",
        caught_by: "p10-ten-minutes-of-rest",
        engine: || {
            simple::reads(|_, _, ambient, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::AccountLocked => Error::new(ErrorKind::AccountLocked).with_recovery(
                        Recovery::WaitUntil(ambient.now.after(Duration::from_secs(60))),
                    ),
                    _ => error,
                })
            })
        },
    },
    Defect {
        id: "wrong-code-is-a-wrong-password",
        title: "A refusal that may be about the code is taken for one of the password",
        target: "ibanera",
        caught_by: "p10-perhaps-a-wrong-code",
        engine: || {
            simple::reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::InvalidGrant => Error::new(ErrorKind::InvalidGrant),
                    _ => error,
                })
            })
        },
    },
    Defect {
        id: "first-message-code-decides",
        title: "Of several message codes the first decides",
        target: "ibanera",
        caught_by: "p10-several-codes",
        engine: || {
            simple::reads(|operation, response, _, outcome| {
                let sign_in = matches!(operation, Operation::SignIn);
                match sign_in
                    && says(response, "[{\"fieldName\":\"otp\",\"messageCode\":\"Required\"")
                {
                    true => Err(Error::new(ErrorKind::InvalidRequest).with_code("Required")),
                    false => outcome,
                }
            })
        },
    },
    Defect {
        id: "secret-taken-as-typed",
        title: "A shared secret is decoded as it was typed",
        target: "ibanera",
        caught_by: "p11-secret-as-people-type-it",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let typed = ambient.credentials.expect_totp_secret()?.expose();
                match typed.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
                    true => real.request(operation, ambient),
                    false => Err(Error::new(ErrorKind::Credentials)),
                }
            })
        },
    },
    Defect {
        id: "any-address-of-this-machine",
        title: "Every address of this machine is taken for one of the API's",
        target: "ibanera",
        caught_by: "p08-code-goes-to-no-other-origin",
        engine: || Arc::new(ThisMachine),
    },
    Defect {
        id: "refresh-path-not-used",
        title: "A refresh path that is set is not used, and the password is sent instead",
        target: "ibanera",
        caught_by: "p09-configured-refresh-path",
        engine: || simple::claims(|can| can.refresh = RefreshSupport::Absent),
    },
    Defect {
        id: "refresh-token-demanded",
        title: "An answer without a refresh token is taken for a broken one",
        target: "ibanera",
        caught_by: "p09-without-refresh-fields",
        engine: || {
            simple::reads(|_, _, _, outcome| match outcome {
                Ok(Outcome::Tokens(tokens, _)) if tokens.refresh_token.is_none() => {
                    Err(Error::new(ErrorKind::Protocol))
                }
                other => other,
            })
        },
    },
    Defect {
        id: "wrong-password-is-an-outage",
        title: "A refusal that is doubtful is tried again as after an outage",
        target: "ibanera",
        caught_by: "p10-wrong-password-is-not-hammered",
        engine: || {
            simple::reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::InvalidGrant => Error::new(ErrorKind::TemporarilyUnavailable),
                    _ => error,
                })
            })
        },
    },
    Defect {
        id: "raw-secret-encoded-first",
        title: "A secret of raw characters is put into base32 before codes are made of it",
        target: "ibanera",
        caught_by: "p11-raw-secret",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let raw = ambient.credentials.expect_totp_secret()?.expose().as_bytes();
                let encoded = data_encoding::BASE32.encode(raw);
                let changed = ambient.credentials.clone().with_totp_secret(encoded);
                real.request(operation, &Ambient { credentials: &changed, ..*ambient })
            })
        },
    },
];

/// The headers of the token that was shown last.
#[derive(Clone, Default)]
struct CodeKept(Arc<Mutex<Option<(HeaderValue, HeaderValue)>>>);

impl BrokenAdapter for CodeKept {
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        let made = real.authorize(tokens, ambient)?;
        let value = |name| made.headers().iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        let (Some(token), Some(code)) = (value(header::AUTHORIZATION), value(OTP)) else {
            return Ok(made);
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let code = match &*kept {
            Some((of, code)) if *of == token => code.clone(),
            _ => kept.insert((token.clone(), code)).1.clone(),
        };
        let headers = [(header::AUTHORIZATION, token), (OTP, code)];
        Ok(Authorization::new(headers, tokens.expires_at()))
    }
}

fn as_a_number(
    real: &dyn AuthProvider,
    tokens: &TokenSet,
    ambient: &Ambient<'_>,
) -> Result<Authorization, Error> {
    let right = real.authorize(tokens, ambient)?;
    let headers: Vec<_> = right
        .headers()
        .iter()
        .map(|(name, value)| match *name == OTP {
            true => {
                let digits = String::from_utf8_lossy(value.as_bytes()).into_owned();
                let number = HeaderValue::from_str(digits.trim_start_matches('0'));
                (name.clone(), number.unwrap_or_else(|_| value.clone()))
            }
            false => (name.clone(), value.clone()),
        })
        .collect();
    Ok(Authorization::new(headers, right.valid_until()))
}

/// The headers of that moment, said to end when the right ones would.
fn with_the_code_of(
    now: Timestamp,
    real: &dyn AuthProvider,
    tokens: &TokenSet,
    ambient: &Ambient<'_>,
) -> Result<Authorization, Error> {
    let right = real.authorize(tokens, ambient)?;
    let other = real.authorize(tokens, &Ambient { now, ..*ambient })?;
    Ok(Authorization::new(other.headers().to_vec(), right.valid_until()))
}

fn about_the_token(
    real: &dyn AuthProvider,
    head: &ResponseHead<'_>,
    body: Option<&[u8]>,
) -> Verdict {
    match real.rejects(head, body) {
        Verdict::Rejected(_) => Verdict::Rejected(Rejection::InvalidToken),
        other => other,
    }
}

/// Each second sign-in sends the request of the one before it.
#[derive(Clone, Default)]
struct LastStepAgain(Arc<Mutex<Option<Vec<u8>>>>);

impl BrokenAdapter for LastStepAgain {
    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let request = real.request(operation, ambient)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body = match last.take() {
            Some(body) => body,
            None => {
                *last = Some(request.body().expose_bytes().to_vec());
                return Ok(request);
            }
        };
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        HttpRequest::post_json(&request.uri().to_string(), &value)
    }
}

struct ThisMachine;

impl Engine for ThisMachine {
    fn session(&self, builder: SessionBuilder) -> SessionBuilder {
        let any = ["http://127.0.0.1:1", "http://localhost:4001"];
        builder.api_origins(any.into_iter().filter_map(|origin| Origin::parse(origin).ok()))
    }
}
