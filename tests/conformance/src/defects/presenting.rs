//! Defects in how tokens are presented, and in what is made of a refusal.

use countersign_core::http::secret_header;
use countersign_core::{Authorization, SecretString, Verdict};
use http::header::AUTHORIZATION;

use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "bearer-for-raw",
        title: "The token is presented as `Bearer` where the raw token is wanted",
        target: "ibex",
        caught_by: "sign-in-and-call",
        engine: bearer_for_raw,
    },
    Defect {
        id: "no-refusal-is-seen",
        title: "An answer 401 is taken for the API's own business",
        target: "ibex",
        caught_by: "f23-revoked-token",
        engine: || simple::judges(|_, _, _| Verdict::Accepted),
    },
];

pub(super) fn bearer_for_raw() -> std::sync::Arc<dyn countersign_conformance::Engine> {
    simple::shows(|real, tokens, ambient| {
        let right = real.authorize(tokens, ambient)?;
        let token = tokens.access_token().secret().expose();
        let value = secret_header(&SecretString::new(format!("Bearer {token}")))?;
        Ok(Authorization::new([(AUTHORIZATION, value)], right.valid_until()))
    })
}
