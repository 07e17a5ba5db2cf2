//! The cases for any adapter: one file a group.

mod callbacks;
mod claimed;
mod clocks;
mod concurrency;
mod counted;
mod delivery;
mod ending;
mod herd;
mod keeping;
mod lives;
mod outages;
mod per_request;
mod recovery;
mod refresh;
mod refused;
mod rejection;
mod siblings;
mod sign_in;
mod soak;
mod spent;
mod told;

use crate::case::Case;

/// Every case for any adapter, by groups.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(sign_in::CASES);
    all.extend(refresh::CASES);
    all.extend(callbacks::CASES);
    all.extend(claimed::CASES);
    all.extend(clocks::CASES);
    all.extend(concurrency::CASES);
    all.extend(delivery::CASES);
    all.extend(ending::CASES);
    all.extend(herd::CASES);
    all.extend(keeping::CASES);
    all.extend(lives::CASES);
    all.extend(counted::CASES);
    all.extend(outages::CASES);
    all.extend(per_request::CASES);
    all.extend(recovery::CASES);
    all.extend(refused::CASES);
    all.extend(siblings::CASES);
    all.extend(spent::CASES);
    all.extend(told::CASES);
    all.extend(rejection::CASES);
    all.extend(soak::CASES);
    all
}
