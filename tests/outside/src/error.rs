//! What a failure means: a status that speaks for itself, else the word of the problem.

use countersign_core::http::HttpResponse;
use countersign_core::{Certainty, Error, ErrorKind, Operation, Recovery, Timestamp};

use crate::wire::Problem;

/// The error for an answer that is no success.
pub(crate) fn refused(operation: &Operation, response: &HttpResponse, now: Timestamp) -> Error {
    let problem: Problem = response.json().unwrap_or_default();
    // The last word of the type: `https://acme.example/problems/bad-credentials`.
    let word = problem.r#type.rsplit('/').next().unwrap_or_default();
    let error = response.status_error(now).unwrap_or_else(|| table(operation.name(), word));
    let error = error.with_status(response.status()).with_code(word);
    error.with_detail(problem.detail.as_deref().unwrap_or_default())
}

/// (operation, word) → what happened, how to go on, and what it usually means.
fn table(operation: &str, word: &str) -> Error {
    let refused = Error::new(ErrorKind::InvalidGrant);
    match (operation, word) {
        ("sign_in", "bad-credentials") => refused.hint("the API key or its secret is wrong"),
        ("sign_in", "key-suspended") => Error::new(ErrorKind::AccountDisabled),
        ("refresh" | "revoke", "session-ended" | "already-renewed") => {
            refused.with_recovery(Recovery::Reauthenticate)
        }
        (_, "bad-request") => Error::new(ErrorKind::InvalidRequest),
        // Not Acme's own words: a gateway, a proxy, another address. It may be a refusal, or an outage, and ends no
        // session.
        ("refresh", _) => Error::new(ErrorKind::Protocol),
        ("sign_in", _) => refused.with_certainty(Certainty::Possible),
        _ => refused.with_recovery(Recovery::Reauthenticate).with_certainty(Certainty::Possible),
    }
}
