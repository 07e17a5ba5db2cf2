//! Defects in what an answer is taken for: one status, one code or one shape that is read as another.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::{Error, ErrorKind, Operation};

use super::Defect;
use super::ibex::says;
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "refusal-needs-a-body",
        title: "A sign-in that is answered 400 without a body is taken for an answer that makes no sense",
        target: "ibex",
        caught_by: "p04-refused-with-400",
        engine: || {
            reads(|operation, response, _, outcome| match operation {
                Operation::SignIn if outcome.is_err() && response.is_blank() => {
                    Err(Error::new(ErrorKind::Protocol))
                }
                _ => outcome,
            })
        },
    },
    Defect {
        id: "forbidden-sign-in-is-a-missing-right",
        title: "A sign-in that is answered 403 is taken for a right that is missing",
        target: "ibex",
        caught_by: "p04-refused-with-403",
        engine: || {
            reads(|_, response, _, outcome| match response.status().as_u16() {
                403 => Err(Error::new(ErrorKind::AccessDenied)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "unauthorized-refresh-is-tried-again",
        title: "A refresh that is answered 401 is tried again, as if it were about the access token",
        target: "ibex",
        caught_by: "p04-dead-refresh-token-401",
        engine: || {
            reads(|operation, response, _, outcome| match (operation, response.status().as_u16()) {
                (Operation::Refresh, 401) => Err(Error::new(ErrorKind::TemporarilyUnavailable)),
                _ => outcome,
            })
        },
    },
    Defect {
        id: "short-names-not-known",
        title: "Tokens are read by the names of the older page of the vendor alone",
        target: "igny8",
        caught_by: "p12-as-in-the-guide",
        engine: || {
            reads(|_, response, _, outcome| match says(response, "\"access\":") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "tokens-looked-for-in-one-place",
        title: "Tokens that are one level deeper are not found",
        target: "igny8",
        caught_by: "p12-nested",
        engine: || {
            reads(|_, response, _, outcome| match says(response, "\"tokens\":{") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
    Defect {
        id: "missing-field-is-a-refusal",
        title: "A field that is missing is taken for a wrong password",
        target: "ibanera",
        caught_by: "p10-code-required",
        engine: || refused(|kind| kind == ErrorKind::InvalidRequest),
    },
    Defect {
        id: "unverified-is-a-refusal",
        title: "An account that is not verified is taken for a wrong password",
        target: "ibanera",
        caught_by: "p10-code-not-verified",
        engine: || refused(|kind| kind == ErrorKind::AccountUnverified),
    },
    Defect {
        id: "suppressed-is-a-refusal",
        title: "An account that is suppressed is taken for a wrong password",
        target: "ibanera",
        caught_by: "p10-code-suppressed",
        engine: || refused(|kind| kind == ErrorKind::AccountDisabled),
    },
    Defect {
        id: "unknown-message-code-makes-no-sense",
        title: "A message code that is not documented makes an answer one that cannot be read",
        target: "ibanera",
        caught_by: "p10-code-unknown",
        engine: || {
            reads(|_, response, _, outcome| match says(response, "Something_New") {
                true => Err(Error::new(ErrorKind::Protocol)),
                false => outcome,
            })
        },
    },
];

/// An adapter that takes failures of some kinds for a wrong password.
fn refused(so: fn(ErrorKind) -> bool) -> Arc<dyn Engine> {
    reads(move |_, _, _, outcome| {
        outcome.map_err(|error| match so(error.kind()) {
            true => Error::new(ErrorKind::InvalidGrant),
            false => error,
        })
    })
}
