//! Defects in how times are read.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::Lifetime;

use super::Defect;
use super::simple::tokens;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "milliseconds-for-seconds",
        title: "A lifetime in seconds is read a thousand times too long",
        target: "cognito",
        caught_by: "refresh-in-the-background",
        engine: milliseconds_for_seconds,
    },
    Defect {
        id: "milliseconds-where-nothing-can-be-set",
        title: "The same at a server that can be asked for no other life",
        target: "ibanera",
        caught_by: "end-is-told-and-met",
        engine: milliseconds_for_seconds,
    },
    Defect {
        id: "minutes-for-seconds",
        title: "A lifetime in seconds is read as one in minutes",
        target: "ibex_oauth2",
        caught_by: "end-is-told-and-met",
        engine: || times(60),
    },
];

pub(super) fn milliseconds_for_seconds() -> Arc<dyn Engine> {
    times(1000)
}

fn times(factor: u32) -> Arc<dyn Engine> {
    tokens(move |_, _, _, tokens| {
        if let Some(Lifetime::For(span)) = tokens.access_expiry {
            tokens.access_expiry = Some(Lifetime::For(span * factor));
        }
    })
}
