//! Defects that a Cognito pool alone shows.

use countersign_core::http::HttpRequest;
use countersign_core::{
    Ambient, AuthProvider, Continuation, Error, ErrorKind, Memo, Operation, Outcome, Recovery,
    SecretBytes, SecretString,
};
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use super::ibex::says;
use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "lockout-is-a-wrong-password",
        title: "Password attempts exceeded is taken for a wrong password",
        target: "cognito",
        caught_by: "p21-locked-out-is-not-wrong",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "attempts exceeded") {
                true => Err(Error::new(ErrorKind::InvalidGrant)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "not-authorized-is-transient",
        title: "A NotAuthorizedException is tried again later",
        target: "cognito",
        caught_by: "p21-wrong-password-once",
        engine: || {
            simple::reads(|_, response, _, outcome| {
                match says(response, "Incorrect username or password") {
                    true => Err(Error::new(ErrorKind::TemporarilyUnavailable)),
                    false => outcome,
                }
            })
        },
    },
    Defect {
        id: "namespace-not-cut",
        title: "An error's name is compared with its namespace",
        target: "cognito",
        caught_by: "p21-name-with-a-namespace",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "identity#") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "limit-exceeded-retried",
        title: "A used-up quota is taken for a throttle and tried again",
        target: "cognito",
        caught_by: "p21-limit-is-not-tried-again",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "LimitExceeded") {
                true => Err(Error::new(ErrorKind::RateLimited)
                    .with_recovery(Recovery::Retry)
                    .with_code("LimitExceededException")),
                false => outcome,
            })
        },
    },
    Defect {
        id: "throttle-is-a-bad-request",
        title: "A throttle is taken for a bad request, as its status says",
        target: "cognito",
        caught_by: "p21-throttle-is-waited-out",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "TooManyRequests") {
                true => Err(Error::new(ErrorKind::InvalidRequest)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "hash-of-the-typed-name",
        title: "The secret hash of a refresh is made of the name that was typed",
        target: "cognito",
        caught_by: "p22-hash-of-the-internal-name",
        engine: || simple::asks(|real, operation, ambient| forgetful(real, operation, ambient, "")),
    },
    Defect {
        id: "secret-left-out-of-a-recovery",
        title: "A recovery does not carry the client's secret",
        target: "cognito",
        caught_by: "p22-secret-in-its-three-places",
        engine: || {
            simple::asks(|real, operation, ambient| match operation {
                Operation::ForgotPassword => {
                    let none =
                        ambient.credentials.clone().with_client_secret(SecretString::default());
                    real.request(operation, &Ambient { credentials: &none, ..*ambient })
                }
                _ => real.request(operation, ambient),
            })
        },
    },
    Defect {
        id: "refresh-by-the-old-call",
        title: "A pool whose refresh tokens rotate is asked by InitiateAuth",
        target: "cognito",
        caught_by: "p23-rotating-refresh",
        engine: || simple::asks(by_the_old_call),
    },
    Defect {
        id: "reuse-is-tried-again",
        title: "The reuse of a refresh token is taken for a passing failure",
        target: "cognito",
        caught_by: "p23-reuse-is-the-end",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "RefreshTokenReuse") {
                true => Err(Error::new(ErrorKind::TemporarilyUnavailable)
                    .with_code("RefreshTokenReuseException")),
                false => outcome,
            })
        },
    },
    Defect {
        id: "chain-unbounded",
        title: "Nobody counts the challenges of a sign-in",
        target: "cognito",
        caught_by: "p20-chain-of-answers-is-bounded",
        engine: || simple::reads(|_, _, _, outcome| without(outcome?, "round")),
    },
    Defect {
        id: "device-not-named",
        title: "A refresh does not name the device that it is bound to",
        target: "cognito",
        caught_by: "p20-device-in-the-place-of-a-code",
        engine: || {
            simple::asks(|real, operation, ambient| forgetful(real, operation, ambient, "username"))
        },
    },
    Defect {
        id: "unknown-challenge-of-a-pool",
        title: "A challenge of an unknown name is taken for a broken answer",
        target: "cognito",
        caught_by: "p20-unknown-challenge-of-a-pool",
        engine: || {
            simple::reads(|_, response, _, outcome| match says(response, "FAVOURITE") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "unconfirmed-is-a-wrong-password",
        title: "An account that is not confirmed is taken for a wrong password",
        target: "cognito",
        caught_by: "sign-up-is-confirmed",
        engine: || {
            simple::reads(|_, _, _, outcome| {
                outcome.map_err(|error| match error.kind() {
                    ErrorKind::AccountUnverified => Error::new(ErrorKind::InvalidGrant),
                    _ => error,
                })
            })
        },
    },
];

/// Builds a refresh with nothing but `kept` of what the adapter has noted.
fn forgetful(
    real: &dyn AuthProvider,
    operation: &Operation,
    ambient: &Ambient<'_>,
    kept: &str,
) -> Result<HttpRequest, Error> {
    if !matches!(operation, Operation::Refresh) {
        return real.request(operation, ambient);
    }
    let noted = ambient.memo.iter().filter(|(name, _)| *name == kept);
    let memo = Memo::from_entries(noted.map(|(name, value)| (name.into(), value.clone())));
    real.request(operation, &Ambient { memo: &memo, ..*ambient })
}

fn by_the_old_call(
    real: &dyn AuthProvider,
    operation: &Operation,
    ambient: &Ambient<'_>,
) -> Result<HttpRequest, Error> {
    let request = real.request(operation, ambient)?;
    if !matches!(operation, Operation::Refresh) {
        return Ok(request);
    }
    let asked: Value = serde_json::from_slice(request.body().expose_bytes()).unwrap_or_default();
    let body = json!({
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "ClientId": asked["ClientId"],
        "AuthParameters": { "REFRESH_TOKEN": asked["RefreshToken"] },
    });
    let mut old = HttpRequest::post_json(&request.uri().to_string(), &body)?;
    let target = "AWSCognitoIdentityProviderService.InitiateAuth";
    old.set(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    old.set(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(target));
    Ok(old)
}

/// The outcome with one fact less in what is left for the next step.
pub(super) fn without(outcome: Outcome, fact: &str) -> Result<Outcome, Error> {
    Ok(match outcome {
        Outcome::Challenge(mut challenge, patch) => {
            challenge.continuation = less(&challenge.continuation, fact);
            Outcome::Challenge(challenge, patch)
        }
        Outcome::Continue(continuation, patch) => {
            Outcome::Continue(less(&continuation, fact), patch)
        }
        other => other,
    })
}

fn less(continuation: &Continuation, fact: &str) -> Continuation {
    let bytes = continuation.bytes().expose_bytes();
    let mut pending: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if let Some(members) = pending.as_object_mut() {
        members.remove(fact);
    }
    Continuation::new(SecretBytes::copy_from(pending.to_string().as_bytes()))
}
