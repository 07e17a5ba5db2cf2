//! Defects in how sessions are kept.

use async_trait::async_trait;
use countersign_core::{Committed, Error, Fence, RecordName, Revision, SecretBytes, SessionStore};

use super::Defect;
use super::seams::{self, BrokenStore};

pub(crate) const DEFECTS: &[Defect] = &[Defect {
    id: "acknowledged-and-not-written",
    title: "The store says that it has written, and has not",
    target: "ibex",
    caught_by: "f07-dropped-caller",
    engine: || seams::store(NeverWrites),
}];

#[derive(Clone)]
struct NeverWrites;

#[async_trait]
impl BrokenStore for NeverWrites {
    async fn commit(
        &self,
        _: &dyn SessionStore,
        _: &RecordName,
        expected: Revision,
        _: Option<Fence>,
        _: SecretBytes,
    ) -> Result<Committed, Error> {
        Ok(Committed::Done(Revision(expected.0 + 1)))
    }
}
