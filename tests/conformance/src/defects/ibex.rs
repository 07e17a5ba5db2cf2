//! Defects that IBEX alone shows.

use std::sync::Arc;
use std::time::Duration;

use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::{Error, ErrorKind, Lifetime, Operation, Outcome};
use countersign_runtime::KeeperBuilder;

use super::lingering::Silently;
use super::remembering::SecondTry;
use super::{Defect, presenting, seams, simple};
use crate::targets::simulated::{ADDRESS, API_ADDRESS};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "password-in-the-query",
        title: "A sign-in repeats the password in the query of its address",
        target: "ibex",
        caught_by: "sign-in-and-call",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let request = real.request(operation, ambient)?;
                if !matches!(operation, Operation::SignIn) {
                    return Ok(request);
                }
                let password = ambient.credentials.expect_password()?.expose();
                let url = format!("{}?password={password}", request.uri());
                let body: serde_json::Value =
                    serde_json::from_slice(request.body().expose_bytes()).unwrap_or_default();
                HttpRequest::post_json(&url, &body)
            })
        },
    },
    Defect {
        id: "client-secret-goes-to-the-hub",
        title: "The grant is asked of the hub in the place of its issuer",
        target: "ibex_oauth2",
        caught_by: "p05-grant-is-repeated",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let request = real.request(operation, ambient)?;
                let url = request.uri().to_string().replace(ADDRESS, API_ADDRESS);
                let form = String::from_utf8_lossy(request.body().expose_bytes());
                let form = form.replace("%3A", ":").replace("%2F", "/");
                let pairs: Vec<_> = form.split('&').filter_map(|p| p.split_once('=')).collect();
                HttpRequest::post_form(&url, &pairs)
            })
        },
    },
    Defect {
        id: "zero-expiry-is-for-ever",
        title: "An expiry of 0 is taken for a token that never ends",
        target: "ibex",
        caught_by: "p01-zero-is-no-expiry",
        engine: || {
            simple::reads(|_, response, _, outcome| {
                let zero = says(response, "ExpiresAt\":0") || says(response, "expiresAt\":0");
                expiring(outcome, zero, Lifetime::For(500 * WEEK))
            })
        },
    },
    Defect {
        id: "past-expiry-is-for-ever",
        title: "An expiry that is past is taken for a token that never ends",
        target: "ibex",
        caught_by: "p01-past-is-no-expiry",
        engine: || {
            simple::reads(|_, response, _, outcome| {
                let past = says(response, "accessTokenExpiresAt\":1,");
                expiring(outcome, past, Lifetime::For(500 * WEEK))
            })
        },
    },
    Defect {
        id: "refresh-restarts-the-week",
        title: "With each refresh the seven days of the refresh token begin anew",
        target: "ibex",
        caught_by: "p02-refresh-token-keeps-its-end",
        engine: || {
            simple::reads(|operation, _, ambient, outcome| {
                let mut outcome = outcome?;
                if let (Operation::Refresh, Outcome::Tokens(tokens, _)) = (operation, &mut outcome)
                {
                    let held = ambient.tokens.and_then(|tokens| tokens.refresh_token());
                    tokens.refresh_token = held.cloned();
                    tokens.refresh_expiry = Some(Lifetime::For(WEEK));
                }
                Ok(outcome)
            })
        },
    },
    Defect {
        id: "refresh-token-lost-when-omitted",
        title: "A refresh answer without a refresh token is taken for one with an empty new one",
        target: "ibex",
        caught_by: "p02-refresh-token-keeps-its-end",
        engine: || {
            simple::reads(|operation, _, _, outcome| {
                let mut outcome = outcome?;
                if let (Operation::Refresh, Outcome::Tokens(tokens, _)) = (operation, &mut outcome)
                {
                    tokens.refresh_token =
                        countersign_core::RefreshToken::new("null".to_owned()).ok();
                }
                Ok(outcome)
            })
        },
    },
    Defect {
        id: "bearer-at-ibex",
        title: "Calls carry `Bearer` before the token",
        target: "ibex",
        caught_by: "p03-calls-take-the-raw-token",
        engine: presenting::bearer_for_raw,
    },
    Defect {
        id: "change-password-raw-alone",
        title: "A change of password that is refused with the raw token is given up",
        target: "ibex",
        caught_by: "p03-change-password-tries-bearer-once",
        engine: || {
            simple::reads(|_, _, _, outcome| match outcome {
                Ok(Outcome::Continue(..)) => Err(Error::new(ErrorKind::InvalidToken)),
                other => other,
            })
        },
    },
    Defect {
        id: "not-found-is-a-wrong-address",
        title: "A sign-in that is answered 404 is taken for a wrong address",
        target: "ibex",
        caught_by: "p04-not-found-is-a-refusal",
        engine: || {
            simple::reads(|_, response, _, outcome| match response.status().as_u16() {
                404 => Err(Error::new(ErrorKind::Protocol)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "dead-refresh-token-is-a-bad-request",
        title: "A refresh that is answered 400 is taken for a defect of the request",
        target: "ibex",
        caught_by: "p04-dead-refresh-token-400",
        engine: || {
            simple::reads(|operation, response, _, outcome| {
                match (operation, response.status().as_u16()) {
                    (Operation::Refresh, 400) => Err(Error::new(ErrorKind::InvalidRequest)),
                    _ => outcome,
                }
            })
        },
    },
    Defect {
        id: "no-deadline-of-exchanges",
        title: "An exchange may take as long as the server likes",
        target: "ibex_oauth2",
        caught_by: "p05-hanging-token-endpoint",
        engine: || Arc::new(NoDeadline),
    },
    Defect {
        id: "recovery-wants-a-code-of-digits",
        title: "What is mailed for a recovery is taken for a code of digits",
        target: "ibex",
        caught_by: "p06-temporary-password-by-mail",
        engine: || {
            simple::asks(|real, operation, ambient| match operation {
                Operation::ConfirmForgotPassword { code, .. }
                    if !code.expose().bytes().all(|byte| byte.is_ascii_digit()) =>
                {
                    Err(Error::new(ErrorKind::InvalidRequest))
                }
                _ => real.request(operation, ambient),
            })
        },
    },
    Defect {
        id: "tokens-of-a-sign-up-dropped",
        title: "The tokens that a sign-up brings are not taken",
        target: "ibex",
        caught_by: "p06-sign-up-with-the-temporary-password",
        engine: || {
            simple::reads(|operation, _, _, outcome| match operation {
                Operation::Register { .. } => outcome.map(|_| Outcome::done()),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "audience-left-out",
        title: "The form of a grant names no audience",
        target: "ibex_oauth2",
        caught_by: "p05-grant-is-repeated",
        engine: || {
            simple::asks(|real, operation, ambient| {
                let request = real.request(operation, ambient)?;
                let form = String::from_utf8_lossy(request.body().expose_bytes()).into_owned();
                let fields: Vec<(&str, &str)> = form
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .filter(|(name, _)| *name != "audience")
                    .collect();
                HttpRequest::post_form(&request.uri().to_string(), &fields)
            })
        },
    },
    Defect {
        id: "refused-change-sent-again",
        title: "Each form of a change of password is sent a second time when it is refused",
        target: "ibex",
        caught_by: "p03-bearer-is-not-tried-twice",
        engine: || seams::transport(SecondTry),
    },
    Defect {
        id: "revocation-answered-by-a-cache",
        title: "A revocation is answered by a gateway that the server never hears of",
        target: "cognito",
        caught_by: "sign-out-ends-the-family",
        engine: || seams::transport(Silently("RevokeToken")),
    },
];

pub(super) fn says(response: &HttpResponse, words: &str) -> bool {
    String::from_utf8_lossy(response.body().expose_bytes()).contains(words)
}

fn expiring(outcome: Result<Outcome, Error>, so: bool, life: Lifetime) -> Result<Outcome, Error> {
    let mut outcome = outcome?;
    if let (true, Outcome::Tokens(tokens, _)) = (so, &mut outcome) {
        tokens.access_expiry = Some(life);
    }
    Ok(outcome)
}

struct NoDeadline;

impl Engine for NoDeadline {
    fn keeper(&self, builder: KeeperBuilder) -> KeeperBuilder {
        builder.exchange_deadline(Duration::from_secs(100_000))
    }
}
