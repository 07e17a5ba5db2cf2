//! The cases for any adapter: one file a group.

mod claimed;
mod concurrency;
mod delivery;
mod refresh;
mod rejection;
mod sign_in;
mod soak;

use crate::case::Case;

/// Every case for any adapter, by groups.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(sign_in::CASES);
    all.extend(refresh::CASES);
    all.extend(claimed::CASES);
    all.extend(concurrency::CASES);
    all.extend(delivery::CASES);
    all.extend(rejection::CASES);
    all.extend(soak::CASES);
    all
}
