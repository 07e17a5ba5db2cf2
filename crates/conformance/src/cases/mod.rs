//! The cases for any adapter: one file a group.

mod accounts;
mod broken;
mod callbacks;
mod challenged;
mod changes;
mod claimed;
mod clocks;
mod codes;
mod concurrency;
mod counted;
mod delivery;
mod ended;
mod ending;
mod expiries;
mod gateways;
mod herd;
mod hostile;
mod keeping;
mod lanes;
mod live;
mod lives;
mod on_the_way;
mod outages;
mod passwords;
mod per_request;
mod recovery;
mod redirects;
mod refresh;
mod refused;
mod rejection;
mod siblings;
mod sign_in;
mod soak;
mod spent;
mod stored;
mod told;
mod words;

use crate::case::Case;

/// Every case for any adapter, by groups.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    all.extend(sign_in::CASES);
    all.extend(refresh::CASES);
    all.extend(accounts::CASES);
    all.extend(broken::CASES);
    all.extend(callbacks::CASES);
    all.extend(challenged::CASES);
    all.extend(changes::CASES);
    all.extend(claimed::CASES);
    all.extend(clocks::CASES);
    all.extend(codes::CASES);
    all.extend(concurrency::CASES);
    all.extend(counted::CASES);
    all.extend(delivery::CASES);
    all.extend(ended::CASES);
    all.extend(ending::CASES);
    all.extend(expiries::CASES);
    all.extend(gateways::CASES);
    all.extend(herd::CASES);
    all.extend(hostile::CASES);
    all.extend(keeping::CASES);
    all.extend(lanes::CASES);
    all.extend(live::CASES);
    all.extend(lives::CASES);
    all.extend(on_the_way::CASES);
    all.extend(outages::CASES);
    all.extend(passwords::CASES);
    all.extend(per_request::CASES);
    all.extend(recovery::CASES);
    all.extend(redirects::CASES);
    all.extend(refused::CASES);
    all.extend(rejection::CASES);
    all.extend(siblings::CASES);
    all.extend(spent::CASES);
    all.extend(stored::CASES);
    all.extend(told::CASES);
    all.extend(words::CASES);
    all.extend(soak::CASES);
    all
}
