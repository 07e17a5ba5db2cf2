//! Spreading by hash: the same asker gets the same instant, different askers different ones.

use std::time::Duration;

use countersign_core::{EarliestRefresh, Generation, KeyDigest, Timestamp};

use crate::windows::Windows;

/// How far before the advisory window a refresh may be pulled, as a part of the life.
const PULL: u32 = 10;

/// A number that is even over replicas, sessions and generations.
///
/// It is a hash (SplitMix64's finalizer over the parts), not a draw: nothing here has randomness of
/// its own, and a plan computed twice is the same plan. The replica's number comes from the driver,
/// which draws it once; it is no secret and has nothing to do with the seed of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Spread(Number);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Number {
    Hash(u64),
    /// Of no hash, and of each decision: what no other spread goes below.
    Least,
    /// What no other spread goes beyond.
    Most,
}

impl Spread {
    /// No spread of any asker gives a smaller part of a span than this one.
    pub const LEAST: Self = Self(Number::Least);

    /// No spread of any asker gives a larger part of a span than this one.
    pub const MOST: Self = Self(Number::Most);

    /// The spread of `session` at `generation` on the replica that drew `replica`.
    pub fn new(replica: u64, session: &KeyDigest, generation: Generation) -> Self {
        let words = session
            .as_bytes()
            .chunks_exact(8)
            .map(|chunk| chunk.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte)));
        let state = words.fold(mix(replica), |state, word| mix(state ^ word));
        let state = mix(state ^ generation.counter);
        Self(Number::Hash(mix(state ^ u64::from(generation.tag))))
    }

    /// The spread of something that is no session.
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(Number::Hash(mix(seed)))
    }

    /// Another number for the `n`th of several decisions of the same asker. The bounds stay what they are.
    #[must_use]
    pub const fn nth(self, n: u32) -> Self {
        match self.0 {
            Number::Hash(state) => Self(Number::Hash(mix(state ^ (n as u64 + 1)))),
            Number::Least | Number::Most => self,
        }
    }

    /// A part of `span`, even in `[0, span)`, in whole nanoseconds; zero if `span` is.
    pub fn of(self, span: Duration) -> Duration {
        // The top 32 bits scale the span; 2^-32 of a span is finer than any wait needs.
        let share = u128::from(match self.0 {
            Number::Hash(state) => state >> 32,
            Number::Least => 0,
            Number::Most => u64::MAX >> 32,
        });
        let nanos = (span.as_nanos() * share) >> 32;
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// An instant, even in `[least, most)`; `least` if the interval is empty.
    pub fn between(self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(self.of(most.saturating_sub(least)))
    }
}

/// When a token is renewed in the background: up to a tenth of its life *earlier* than its advisory
/// window, but not before half of its life, and never later than the window's begin.
///
/// The spread is proportional to the life. A life of 20 s or less has its advisory window at its
/// middle and so gets no spread. Where the provider wants no refresh before the mandatory window,
/// its bound wins: the instant lies in the first half of that window.
pub fn refresh_at(windows: &Windows, earliest: EarliestRefresh, spread: Spread) -> Timestamp {
    match earliest {
        EarliestRefresh::Anytime => {
            let middle = windows.issued_at.after(windows.life() / 2);
            let room = windows.advisory_at.since(middle).min(windows.life() / PULL);
            windows.advisory_at.before(spread.of(room))
        }
        EarliestRefresh::MandatoryWindow => {
            let room = windows.expires_at.since(windows.mandatory_at) / 2;
            windows.mandatory_at.after(spread.of(room))
        }
    }
}

const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
pub(crate) mod tests {
    use countersign_core::{Origin, ProviderId, Realm, SessionKey};

    use super::*;
    use crate::windows::WindowPolicy;

    pub(crate) fn session(who: &str) -> KeyDigest {
        let realm = Realm::new(Origin::parse("https://auth.example").unwrap());
        SessionKey::new(ProviderId::new("x"), &realm, who).digest()
    }

    fn instants(life: Duration, earliest: EarliestRefresh) -> (Windows, Vec<Timestamp>) {
        let start = Timestamp::from_seconds(1_700_000_000);
        let policy = WindowPolicy { earliest, ..Default::default() };
        let windows = Windows::of(start, start.after(life), &policy);
        let session = session("kim");
        let instants = (0..1_000).map(|replica| {
            refresh_at(&windows, earliest, Spread::new(replica, &session, Generation::default()))
        });
        (windows, instants.collect())
    }

    #[test]
    fn f02_a_thousand_replicas_spread_over_a_tenth_of_the_life_and_never_later() {
        for life in [60, 300, 3_600, 86_400].map(Duration::from_secs) {
            let (windows, mut instants) = instants(life, EarliestRefresh::Anytime);
            let middle = windows.issued_at.after(life / 2);
            assert!(instants.iter().all(|at| *at <= windows.advisory_at && *at >= middle));
            assert!(instants.iter().all(|at| windows.advisory_at.since(*at) <= life / PULL));
            // Ten slices of the spread hold a tenth of the replicas each, within what chance allows.
            instants.sort_unstable();
            for n in 0..10_u32 {
                let to = windows.advisory_at.before(life / PULL * n / 10);
                let from = windows.advisory_at.before(life / PULL * (n + 1) / 10);
                let here = instants.iter().filter(|at| **at > from && **at <= to).count();
                assert!((60..=140).contains(&here), "slice {n} of {life:?} holds {here}");
            }
        }
    }

    #[test]
    fn f13_a_short_life_is_not_renewed_before_its_middle() {
        for life in (100..30_000).step_by(97).map(Duration::from_millis) {
            let (windows, instants) = instants(life, EarliestRefresh::Anytime);
            let middle = windows.issued_at.after(life / 2);
            assert!(instants.iter().all(|at| (middle..=windows.advisory_at).contains(at)));
        }
    }

    #[test]
    fn p16_the_providers_bound_wins_over_the_spread() {
        let (windows, instants) =
            instants(Duration::from_secs(86_400), EarliestRefresh::MandatoryWindow);
        assert!(instants.iter().all(|at| *at >= windows.mandatory_at));
        assert!(instants.iter().all(|at| windows.expires_at.since(*at) >= Duration::from_secs(30)));
    }

    #[test]
    fn sessions_and_generations_spread_too_and_the_same_asker_gets_the_same_instant() {
        let span = Duration::from_secs(1_000);
        let mut seen = std::collections::BTreeSet::new();
        for who in ["a", "b", "c", "d"] {
            for counter in 0..50 {
                let generation = Generation { counter, tag: 7 };
                let spread = Spread::new(1, &session(who), generation);
                assert_eq!(spread, Spread::new(1, &session(who), generation));
                assert!(spread.of(span) < span);
                seen.insert(spread.of(span));
                seen.insert(spread.nth(0).of(span));
            }
        }
        assert!(seen.len() > 390, "{}", seen.len());
        assert_eq!(Spread::MOST.of(Duration::ZERO), Duration::ZERO);
        assert!(Spread::MOST.of(Duration::MAX) <= Duration::MAX);
    }

    #[test]
    fn no_asker_gets_less_than_the_least_or_more_than_the_most() {
        for span in [1, 7, 1_000, 600_000_000_000].map(Duration::from_nanos) {
            let bounds = [Spread::LEAST.of(span), Spread::MOST.of(span)];
            assert!(bounds[0].is_zero() && bounds[1] < span, "{bounds:?}");
            for n in 0..1_000 {
                let spread = Spread::seeded(n);
                for part in [spread.of(span), spread.nth(3).of(span)] {
                    assert!(part >= bounds[0] && part <= bounds[1], "{part:?} of {span:?}");
                }
            }
            let later = [Spread::LEAST.nth(9).of(span), Spread::MOST.nth(9).of(span)];
            assert_eq!(later, bounds);
        }
    }
}
