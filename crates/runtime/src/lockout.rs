//! A lock that is known before the provider says it: counted from the refusals of the account.

use std::time::Duration;

use countersign_core::{LockoutRule, Timestamp};
use countersign_scheduler::MAX_SKEW;
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

/// How far the clock of whoever wrote a lockout may be ahead of ours: as far as a skew is ever made up for.
const TOLERANCE: Duration = MAX_SKEW;

/// No lockout is obeyed for longer than this: a day may be true, anything beyond is absurd.
pub(crate) fn longest(hint_cap: Duration) -> Duration {
    hint_cap.max(Duration::from_secs(24 * 3600))
}

/// The end of a lock that a record names, unless a clock that was wrong has written it: nobody writes one that is
/// so far away.
pub(crate) fn believed(
    until: Timestamp,
    now: Timestamp,
    rule: LockoutRule,
    hint_cap: Duration,
) -> Option<Timestamp> {
    let cap = match rule {
        LockoutRule::Doubling { most, .. } | LockoutRule::Fixed(most) => hint_cap.max(most),
        LockoutRule::None | LockoutRule::Unknown => hint_cap,
    };
    let latest = now.after(longest(cap).saturating_add(TOLERANCE));
    (until <= latest).then_some(until)
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
    fn f17_what_lies_beyond_the_longest_lock_is_not_believed() {
        let hour = Duration::from_secs(3600);
        for (hours, cap, is_believed) in
            [(0, hour, true), (24, hour, true), (25, hour, false), (40, hour * 48, true)]
        {
            let until = NOW.after(hour * hours);
            let told = believed(until, NOW, LockoutRule::Unknown, cap);
            assert_eq!(told.is_some(), is_believed, "{hours} hours");
        }
        assert_eq!(believed(Timestamp::MAX, NOW, RULE, hour), None);
        let endless = LockoutRule::Fixed(Duration::MAX);
        assert!(believed(Timestamp::MAX, NOW, endless, hour).is_some());
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
