//! Adapters that take a page for the provider's word, whoever has put it in the provider's place.

use std::sync::Arc;

use countersign_conformance::Engine;
use countersign_core::{Certainty, Error, ErrorKind};

use super::Defect;
use super::simple::reads;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "page-at-a-sign-in-is-a-no",
        title: "A page under 403 is taken for a sure refusal of the password",
        target: "ibex",
        caught_by: "f42-gateway-at-a-sign-in",
        engine: a_sure_no,
    },
    Defect {
        id: "page-at-a-refresh-is-a-no",
        title: "A page under 401 is taken for a sure refusal of the refresh token",
        target: "wikimedia",
        caught_by: "f42-gateway-at-renewals-for-minutes",
        engine: a_sure_no,
    },
    Defect {
        id: "page-at-a-sign-out-is-done",
        title: "A page under 403 is taken for the word that the token is gone",
        target: "ibex",
        caught_by: "f41-gateway-at-a-sign-out",
        engine: a_sure_no,
    },
];

fn a_sure_no() -> Arc<dyn Engine> {
    reads(|_, response, _, outcome| {
        if response.is_html() && response.status().is_client_error() {
            return Err(Error::new(ErrorKind::InvalidGrant).with_certainty(Certainty::Certain));
        }
        outcome
    })
}
