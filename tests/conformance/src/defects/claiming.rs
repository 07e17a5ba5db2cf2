//! Defects in what an adapter claims and does.

use countersign_core::http::HttpRequest;
use countersign_core::{Ambient, AuthProvider, Capabilities, Error, Operation};

use super::seams::{self, BrokenAdapter};
use super::{Defect, simple};

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "claims-what-it-cannot",
        title: "The adapter claims an operation that the provider does not have",
        target: "ibanera",
        caught_by: "unclaimed-is-unsupported",
        engine: || seams::adapter(ClaimsTooMuch),
    },
    Defect {
        id: "unclaimed-is-sent",
        title: "The adapter answers an operation that it does not claim with a sign-in",
        target: "igny8",
        caught_by: "unclaimed-builds-no-request",
        engine: || {
            simple::asks(|real, operation, ambient| match operation {
                Operation::WhoAmI => real.request(&Operation::SignIn, ambient),
                _ => real.request(operation, ambient),
            })
        },
    },
];

#[derive(Clone)]
struct ClaimsTooMuch;

impl BrokenAdapter for ClaimsTooMuch {
    fn capabilities(&self, real: &Capabilities) -> Capabilities {
        let mut claims = real.clone();
        claims.change_password = true;
        claims
    }

    fn request(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        ambient: &Ambient<'_>,
    ) -> Result<HttpRequest, Error> {
        match operation {
            Operation::ChangePassword { .. } => real.request(&Operation::SignIn, ambient),
            _ => real.request(operation, ambient),
        }
    }
}
