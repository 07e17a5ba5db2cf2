//! Chance that can be repeated: SplitMix64 (Steele, Lea and Flood 2014). Not for secrets.

use std::time::Duration;

pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of one experiment under one seed.
    pub(crate) fn new(seed: u64, experiment: &str) -> Self {
        let name = experiment.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ name)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// A span below `span`, in milliseconds.
    pub(crate) fn span(&mut self, span: Duration) -> Duration {
        let most = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.below(most))
    }
}
