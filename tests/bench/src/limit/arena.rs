//! Sessions as little as they can be: two boxes with their tokens, and one sorted list of instants.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::subject::{ACCESS_BYTES, REFRESH_BYTES};

/// Tokens and timers of many sessions.
pub(crate) struct Arena {
    tokens: Vec<Tokens>,
    timers: BinaryHeap<Reverse<(u64, u32)>>,
}

/// An access token and a refresh token.
type Tokens = (Box<[u8]>, Box<[u8]>);

impl Arena {
    /// So many sessions, each due at some instant of an hour.
    pub(crate) fn of(sessions: usize) -> Self {
        let mut arena = Self {
            tokens: Vec::with_capacity(sessions),
            timers: BinaryHeap::with_capacity(sessions),
        };
        for n in 0..sessions {
            // Filled, so that every page is really there.
            let filled = |bytes: usize| vec![(n % 251) as u8 + 1; bytes].into_boxed_slice();
            arena.tokens.push((filled(ACCESS_BYTES), filled(REFRESH_BYTES)));
            let due = (n as u64).wrapping_mul(7_919) % 3_600_000;
            arena.timers.push(Reverse((due, n as u32)));
        }
        arena
    }

    /// Something that nobody can leave out.
    pub(crate) fn checksum(&self) -> u64 {
        let first = self.timers.peek().map_or(0, |Reverse((due, _))| *due);
        let bytes = self.tokens.iter().map(|(access, refresh)| {
            let ends = [access.first(), refresh.last()];
            ends.into_iter().flatten().map(|byte| u64::from(*byte)).sum::<u64>()
        });
        first + bytes.sum::<u64>()
    }
}
