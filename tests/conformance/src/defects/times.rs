//! Defects in how times are read.

use countersign_core::http::HttpResponse;
use countersign_core::{Ambient, AuthProvider, Error, Lifetime, Operation, Outcome};

use super::Defect;
use super::seams::{self, BrokenAdapter};
use super::simple;

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        id: "milliseconds-for-seconds",
        title: "A lifetime in seconds is read a thousand times too long",
        target: "cognito",
        caught_by: "refresh-in-the-background",
        engine: || seams::adapter(MillisecondsForSeconds),
    },
    Defect {
        id: "milliseconds-where-nothing-can-be-set",
        title: "The same at a server that can be asked for no other life",
        target: "ibanera",
        caught_by: "end-is-told-and-met",
        engine: || seams::adapter(MillisecondsForSeconds),
    },
    Defect {
        id: "minutes-for-seconds",
        title: "A lifetime in seconds is read as one in minutes",
        target: "ibex_oauth2",
        caught_by: "end-is-told-and-met",
        engine: || {
            simple::reads(|_, _, _, mut outcome| {
                if let Ok(Outcome::Tokens(tokens, _)) = &mut outcome
                    && let Some(Lifetime::For(span)) = tokens.access_expiry
                {
                    tokens.access_expiry = Some(Lifetime::For(span * 60));
                }
                outcome
            })
        },
    },
];

#[derive(Clone)]
pub(super) struct MillisecondsForSeconds;

impl BrokenAdapter for MillisecondsForSeconds {
    fn interpret(
        &self,
        real: &dyn AuthProvider,
        operation: &Operation,
        response: &HttpResponse,
        ambient: &Ambient<'_>,
    ) -> Result<Outcome, Error> {
        let mut outcome = real.interpret(operation, response, ambient)?;
        if let Outcome::Tokens(tokens, _) = &mut outcome
            && let Some(Lifetime::For(span)) = tokens.access_expiry
        {
            tokens.access_expiry = Some(Lifetime::For(span * 1000));
        }
        Ok(outcome)
    }
}
