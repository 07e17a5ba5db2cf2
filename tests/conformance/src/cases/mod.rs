//! Cases for one provider alone: one file a provider.

mod cognito;
mod cognito_account;
mod cognito_chains;
mod ibanera;
mod ibex;
mod ibex_oauth2;
mod igny8;
mod wikimedia;

use countersign_conformance::Case;

/// The cases for any adapter, then those for one provider alone.
pub(crate) fn all() -> Vec<Case> {
    let mut all = countersign_conformance::cases::all();
    all.extend(cognito::CASES);
    all.extend(cognito_account::CASES);
    all.extend(cognito_chains::CASES);
    all.extend(ibanera::CASES);
    all.extend(ibex::CASES);
    all.extend(ibex_oauth2::CASES);
    all.extend(igny8::CASES);
    all.extend(wikimedia::CASES);
    all
}
