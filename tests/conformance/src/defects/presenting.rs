//! Defects in how tokens are presented, and in what is made of a refusal.

use countersign_core::http::{ResponseHead, secret_header};
use countersign_core::{
    Ambient, AuthProvider, Authorization, Error, SecretString, TokenSet, Verdict,
};
use http::header::AUTHORIZATION;

use super::Defect;
use super::seams::{self, BrokenAdapter};

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
        engine: || seams::adapter(NoRefusal),
    },
];

pub(super) fn bearer_for_raw() -> std::sync::Arc<dyn countersign_conformance::Engine> {
    seams::adapter(BearerForRaw)
}

#[derive(Clone)]
struct BearerForRaw;

impl BrokenAdapter for BearerForRaw {
    fn authorize(
        &self,
        real: &dyn AuthProvider,
        tokens: &TokenSet,
        ambient: &Ambient<'_>,
    ) -> Result<Authorization, Error> {
        let right = real.authorize(tokens, ambient)?;
        let token = tokens.access_token().secret().expose();
        let value = secret_header(&SecretString::new(format!("Bearer {token}")))?;
        Ok(Authorization::new([(AUTHORIZATION, value)], right.valid_until()))
    }
}

#[derive(Clone)]
struct NoRefusal;

impl BrokenAdapter for NoRefusal {
    fn rejects(&self, _: &dyn AuthProvider, _: &ResponseHead<'_>, _: Option<&[u8]>) -> Verdict {
        Verdict::Accepted
    }
}
