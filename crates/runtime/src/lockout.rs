//! A lock that is known before the provider says it: counted from the refusals of the account.

use std::time::Duration;

use countersign_core::{LockoutRule, Timestamp};
use countersign_seal::AccountRecord;

/// Until when the provider takes no password of the account, after the refusal that `account` holds now.
/// Refusals count as long as the longest lock lasts; then a provider that doubles has forgotten them.
pub(crate) fn locked_until(
    rule: LockoutRule,
    account: &AccountRecord,
    now: Timestamp,
) -> Option<Timestamp> {
    let LockoutRule::Doubling { free, first, most } = rule else { return None };
    let recent = account.refused.iter().filter(|entry| now.since(entry.at) < most);
    let failures = recent.fold(0u32, |sum, entry| sum.saturating_add(entry.tries));
    let doublings = failures.checked_sub(free)?;
    let lock = 2u32.checked_pow(doublings).map_or(most, |times| first.saturating_mul(times));
    (!lock.is_zero()).then(|| now.after(Duration::min(lock, most)))
}

#[cfg(test)]
mod tests {
    use countersign_core::{Certainty, Fingerprint};
    use countersign_seal::RefusedSecret;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const RULE: LockoutRule = LockoutRule::Doubling {
        free: 5,
        first: Duration::from_secs(1),
        most: Duration::from_secs(900),
    };

    fn lock(refusals: &[(u32, u64)]) -> Option<u64> {
        let refused = refusals.iter().enumerate().map(|(n, (tries, age))| RefusedSecret {
            secret: Fingerprint::from_raw([n as u8; 16]),
            certainty: Certainty::Certain,
            at: NOW.before(Duration::from_secs(*age)),
            tries: *tries,
        });
        let account = AccountRecord { refused: refused.collect(), ..AccountRecord::default() };
        locked_until(RULE, &account, NOW).map(|until| until.since(NOW).as_secs())
    }

    #[test]
    fn p21_the_fifth_failure_locks_for_a_second_and_each_further_one_twice_as_long() {
        assert_eq!(lock(&[(4, 0)]), None);
        assert_eq!(lock(&[(5, 0)]), Some(1));
        assert_eq!(lock(&[(3, 1), (4, 0)]), Some(4));
        assert_eq!(lock(&[(14, 0)]), Some(512));
        assert_eq!(lock(&[(15, 0)]), Some(900));
        assert_eq!(lock(&[(u32::MAX, 0), (5, 0)]), Some(900));
    }

    #[test]
    fn p21_failures_of_long_ago_are_forgotten() {
        assert_eq!(lock(&[(20, 900), (4, 0)]), None);
        assert_eq!(lock(&[(20, 900), (5, 0)]), Some(1));
    }

    #[test]
    fn a_provider_without_that_rule_is_not_held_back() {
        let account = AccountRecord::default();
        for rule in [LockoutRule::Unknown, LockoutRule::None, LockoutRule::Fixed(Duration::MAX)] {
            assert_eq!(locked_until(rule, &account, NOW), None);
        }
    }
}
