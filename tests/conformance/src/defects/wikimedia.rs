//! Defects that Wikimedia Enterprise alone shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_conformance::Engine;
use countersign_core::http::{HttpRequest, bearer};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Capabilities, EarliestRefresh, Error, ErrorKind,
    Lifetime, Memo, Operation, Outcome, Recovery, RefreshSupport, SecretBytes,
};
use http::header;

use super::seams::{self, BrokenAdapter};
use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "spent-budget-is-waited-out",
        title: "A 429 at a refresh is taken for a rate limit and waited out",
        target: "wikimedia",
        caught_by: "p16-429-is-not-waited-out",
        engine: || {
            simple::reads(|operation, response, ambient, outcome| {
                match (operation, response.status().as_u16()) {
                    (Operation::Refresh, 429) => Err(Error::new(ErrorKind::RateLimited)
                        .with_recovery(Recovery::WaitUntil(
                            ambient.now.after(Duration::from_secs(600)),
                        ))),
                    _ => outcome,
                }
            })
        },
    },
    Defect {
        id: "budget-not-claimed",
        title: "Nobody counts the refreshes",
        target: "wikimedia",
        caught_by: "p16-budget-is-kept",
        engine: || simple::claims(|can| can.refresh_budget = None),
    },
    Defect {
        id: "budget-not-persisted",
        title: "Each process counts the refreshes from nothing",
        target: "wikimedia",
        caught_by: "p16-budget-outlives-the-process",
        engine: || seams::adapter(CountsAlone::default()),
    },
    Defect {
        id: "refreshed-at-every-start",
        title: "Tokens are renewed in the quarter before their end",
        target: "wikimedia",
        caught_by: "f15-not-before-the-providers-bound",
        engine: || simple::claims(|can| can.earliest_refresh = EarliestRefresh::Anytime),
    },
    Defect {
        id: "day-is-a-minute",
        title: "A token of a day is taken for one of less than a minute, and renewed under everybody's hands",
        target: "wikimedia",
        caught_by: "changed-wakes-who-waits",
        engine: || {
            simple::reads(|_, _, _, mut outcome| {
                if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome {
                    tokens.access_expiry = Some(Lifetime::For(Duration::from_secs(40)));
                }
                outcome
            })
        },
    },
    Defect {
        id: "day-is-an-hour",
        title: "A token of a day is taken for one of an hour",
        target: "wikimedia",
        caught_by: "p16-nothing-is-spent-at-a-start",
        engine: || {
            simple::reads(|_, _, _, mut outcome| {
                if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome
                    && let Some(Lifetime::For(life)) = tokens.access_expiry
                {
                    tokens.access_expiry = Some(Lifetime::For(life / 24));
                }
                outcome
            })
        },
    },
    Defect {
        id: "signed-in-anew-for-a-change",
        title: "Before a change of password the session signs in anew, although a refresh would do",
        target: "wikimedia",
        caught_by: "p18-token-is-fresh-for-a-change",
        engine: || simple::claims(|can| can.refresh = RefreshSupport::Absent),
    },
    Defect {
        id: "try-again-later-is-believed",
        title: "A 422 is tried again later, as its text says",
        target: "wikimedia",
        caught_by: "p17-422-is-a-bad-request",
        engine: || {
            simple::reads(|_, response, _, outcome| match response.status().as_u16() {
                422 => Err(Error::new(ErrorKind::TemporarilyUnavailable)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "doubtful-refusal-is-transient",
        title: "A sign-in that is answered 401 is tried again as after an outage",
        target: "wikimedia",
        caught_by: "p18-login-401-is-tried-once-slowly",
        engine: refused_sign_in_is_an_outage,
    },
    Defect {
        id: "doubtful-refusal-is-certain",
        title: "A sign-in that is answered 401 is taken for a wrong password",
        target: "wikimedia",
        caught_by: "p18-login-401-may-be-an-outage",
        engine: || simple::reads(|_, _, _, outcome| outcome.map_err(certain)),
    },
    Defect {
        id: "doubtful-refresh-ends-it",
        title: "A refresh that is answered 401 ends the session",
        target: "wikimedia",
        caught_by: "p18-refresh-401-ends-nothing-yet",
        engine: || simple::reads(|_, _, _, outcome| outcome.map_err(certain)),
    },
    Defect {
        id: "outage-of-the-pool-is-hammered",
        title: "Sign-ins that are answered 401 for hours are tried again as after any failure",
        target: "wikimedia",
        caught_by: "p18-outage-of-the-pool-for-hours",
        engine: refused_sign_in_is_an_outage,
    },
    Defect {
        id: "outage-of-the-pool-is-a-verdict",
        title: "What is answered 401 in an outage is taken for a sure refusal",
        target: "wikimedia",
        caught_by: "p18-outage-of-the-pool-by-hand",
        engine: || simple::reads(|_, _, _, outcome| outcome.map_err(certain)),
    },
    Defect {
        id: "name-as-typed-at-refresh",
        title: "A refresh names the account as it was typed",
        target: "wikimedia",
        caught_by: "p19-one-spelling-of-a-name",
        engine: || {
            simple::asks(|real, operation, ambient| {
                if !matches!(operation, Operation::Refresh) {
                    return real.request(operation, ambient);
                }
                let typed = ambient.credentials.identity()?.as_bytes();
                let typed = ("username".into(), SecretBytes::copy_from(typed));
                let memo = Memo::from_entries([typed]);
                real.request(operation, &Ambient { memo: &memo, ..*ambient })
            })
        },
    },
    Defect {
        id: "id-token-for-access-token",
        title: "Calls carry the ID token",
        target: "wikimedia",
        caught_by: "p19-access-token-alone",
        engine: || {
            simple::shows(|real, tokens, ambient| {
                let right = real.authorize(tokens, ambient)?;
                let Some(id_token) = tokens.id_token() else { return Ok(right) };
                let value = bearer(id_token.secret())?;
                Ok(Authorization::new([(header::AUTHORIZATION, value)], right.valid_until()))
            })
        },
    },
    Defect {
        id: "challenges-are-an-enum",
        title: "A challenge of an unknown name is taken for a broken answer",
        target: "wikimedia",
        caught_by: "p20-unknown-challenge-has-its-name",
        engine: || {
            simple::reads(|_, _, _, outcome| match outcome {
                Ok(Outcome::Challenge(challenge, _)) if !challenge.name.starts_with("NEW_") => {
                    Err(Error::new(ErrorKind::Protocol))
                }
                other => other,
            })
        },
    },
];

fn refused_sign_in_is_an_outage() -> Arc<dyn Engine> {
    simple::reads(|operation, _, _, outcome| match (operation, outcome) {
        (Operation::SignIn, Err(error)) if error.status() == Some(401) => {
            Err(Error::new(ErrorKind::TemporarilyUnavailable))
        }
        (_, outcome) => outcome,
    })
}

/// Counts in memory what the engine would count in the store.
#[derive(Default)]
struct CountsAlone(AtomicU32);

impl Clone for CountsAlone {
    /// A process gets a copy, and begins with nothing.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl BrokenAdapter for CountsAlone {
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        let mut claims = real.clone();
        claims.refresh_budget = None;
        claims
    }

    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        let most = real.capabilities().refresh_budget.unwrap_or_default();
        let refresh = matches!(operation, Operation::Refresh);
        if refresh && self.0.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(Error::new(ErrorKind::InvalidGrant).with_recovery(Recovery::Reauthenticate));
        }
        real.request(operation, ambient)
    }
}

/// The same refusal, without the doubt and the slow second try.
fn certain(error: Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidGrant => {
            Error::new(ErrorKind::InvalidGrant).with_recovery(error_recovery(&error))
        }
        _ => error,
    }
}

fn error_recovery(error: &Error) -> Recovery {
    match error.operation() {
        Some("refresh") => Recovery::Reauthenticate,
        _ => Recovery::AskUser,
    }
}
