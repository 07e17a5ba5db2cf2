//! Cases for one provider alone: one file a provider.

mod ibex;

use countersign_conformance::Case;

/// The cases for any adapter, then those for one provider alone.
pub(crate) fn all() -> Vec<Case> {
    let mut all = countersign_conformance::cases::all();
    all.extend(ibex::CASES);
    all
}
