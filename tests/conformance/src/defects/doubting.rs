//! Adapters that say of a plain no that it may be something else, or of a doubtful one that it is plain.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::{Certainty, ErrorKind};

use super::Defect;
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "refusal-perhaps-to-be-safe",
        title: "Every refusal of a secret is said to be a doubtful one, to be safe",
        target: "cognito",
        caught_by: "f36-refused-password-is-sent-once",
        engine: in_doubt,
    },
    Defect {
        id: "dead-session-perhaps-alive",
        title: "Every refusal of a secret is said to be a doubtful one, to be safe",
        target: "igny8",
        caught_by: "f14-dead-session-is-left-alone",
        engine: in_doubt,
    },
    Defect {
        id: "neither-password-perhaps-one",
        title: "Every refusal of a secret is said to be a doubtful one, to be safe",
        target: "ibex",
        caught_by: "f48-neither-password-holds",
        engine: in_doubt,
    },
    Defect {
        id: "four-hundred-perhaps-an-outage",
        title: "Every refusal of a secret is said to be a doubtful one, to be safe",
        target: "ibex",
        caught_by: "p04-refused-with-400",
        engine: in_doubt,
    },
    Defect {
        id: "refusal-of-the-herd-in-doubt",
        title: "Every refusal of a secret is said to be a doubtful one, to be safe",
        target: "ibex_oauth2",
        caught_by: "f01-herd-shares-a-refusal",
        engine: in_doubt,
    },
    Defect {
        id: "outage-of-the-pool-is-a-plain-no",
        title: "A refusal that may be an outage of what is behind is said to be a sure one",
        target: "wikimedia",
        caught_by: "f14-dead-session-is-left-alone",
        engine: sure,
    },
];

fn in_doubt() -> Arc<dyn Engine> {
    reads(|_, _, _, outcome| {
        outcome.map_err(|error| match error.kind() {
            ErrorKind::InvalidGrant | ErrorKind::InvalidClient => {
                error.with_certainty(Certainty::Possible)
            }
            _ => error,
        })
    })
}

fn sure() -> Arc<dyn Engine> {
    reads(|_, _, _, outcome| {
        outcome.map_err(|error| match error.kind() {
            ErrorKind::InvalidGrant => error.with_certainty(Certainty::Certain),
            _ => error,
        })
    })
}
