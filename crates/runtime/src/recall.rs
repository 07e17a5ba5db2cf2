//! What this process has sealed or opened itself is known without being opened again.
//!
//! The store is read before every exchange, so that a refresh token is spent only by whoever has read it
//! last; and nearly always it holds what was written here. Then the seal is the same to the last byte.

use std::mem;

use countersign_core::RecordName;
use countersign_seal::{AccountRecord, SessionRecord};

use crate::cell::Cell;
use crate::inner::Core;
use crate::on_write::OnWrite;
use crate::records::Records;

/// The end of sealed bytes, which is the tag over all of them, under a nonce of their own: no two are alike.
/// Whoever forges one gains nothing: what is remembered is used, and not what stands before the tag. Half of it is
/// folded with a sum of all bytes, which shows a bit that was flipped there: such bytes are opened, and found damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seal([u8; Seal::LENGTH]);

/// The records that go with the last seals. A session at rest remembers those that hold little.
#[derive(Default)]
pub(crate) struct Recalled {
    /// What they are called, where both were read.
    pub(crate) names: Option<[RecordName; 2]>,
    pub(crate) session: Option<(Seal, OnWrite<SessionRecord>)>,
    pub(crate) account: Option<(Seal, OnWrite<AccountRecord>)>,
    /// The account's was read or written under its lock, and the session has not slept since: if it is gone from the
    /// store, this is what stood there. Of an older one others may have written more.
    pub(crate) under_lock: bool,
}

impl Recalled {
    fn seals(&self) -> (Option<Seal>, Option<Seal>) {
        (self.session.as_ref().map(|(seal, _)| *seal), self.account.as_ref().map(|(seal, _)| *seal))
    }
}

impl Seal {
    pub(crate) const LENGTH: usize = 16;

    pub(crate) fn of(sealed: &[u8]) -> Option<Self> {
        let tag = u128::from_le_bytes(*sealed.last_chunk()?);
        Some(Self((tag ^ u128::from(sum(sealed))).to_le_bytes()))
    }

    pub(crate) const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

/// Each step can be undone, so that what differs in one word only has another sum. Four sums go side by side, since each
/// step waits for the one before.
fn sum(bytes: &[u8]) -> u64 {
    // An odd number with bits all over: the golden ratio.
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let (fours, words) = words.as_chunks::<4>();
    let mut sums = [0, 1, 2, 3];
    for four in fours {
        for (sum, word) in sums.iter_mut().zip(four) {
            *sum = step(*sum, u64::from_le_bytes(*word));
        }
    }
    let sum = sums.into_iter().fold(0, step);
    let sum = words.iter().map(|word| u64::from_le_bytes(*word)).fold(sum, step);
    rest.iter().map(|byte| u64::from(*byte)).fold(sum, step)
}

impl Records {
    /// Has the session remember what was read or written here, under the lock.
    pub(crate) fn keep_in_mind(&self, cell: &Cell) {
        cell.keep_in_mind(self, true);
    }

    /// The same of what was read without it. What an exchange has read or written is newer for all that is known here, so
    /// only the first reading is remembered, and a later one has a session forget what is not there any more.
    pub(crate) fn note_reading(&self, cell: &Cell) {
        let is_first = |core: &mut Core| !core.read && core.recalled.is_none();
        let is_alive = self.session.tokens.is_some() && self.session.ended.is_none();
        if is_alive && !cell.is_read_only() && cell.with_awake(is_first) == Some(true) {
            cell.keep_in_mind(self, false);
        } else {
            cell.forget_before(self.session.counter);
        }
    }
}

impl Cell {
    /// What the records are called. A keeper does not take keys that would give them other names.
    pub(crate) fn recall_names(&self) -> Option<[RecordName; 2]> {
        self.with_awake(|core| core.recalled.as_deref()?.names.clone())?
    }

    pub(crate) fn recall_session(&self, seal: Option<Seal>) -> Option<OnWrite<SessionRecord>> {
        self.with_awake(|core| known(seal, core.recalled.as_deref()?.session.as_ref()))?
    }

    pub(crate) fn recall_account(&self, seal: Option<Seal>) -> Option<OnWrite<AccountRecord>> {
        self.with_awake(|core| known(seal, core.recalled.as_deref()?.account.as_ref()))?
    }

    /// What stood in the account's record, which is gone, when this session has read or written it last.
    pub(crate) fn recall_lost_account(&self) -> Option<OnWrite<AccountRecord>> {
        self.with_awake(|core| {
            let recalled = core.recalled.as_deref().filter(|recalled| recalled.under_lock)?;
            Some(recalled.account.as_ref()?.1.clone())
        })?
    }

    /// Lets go of tokens that are older than those of this count.
    fn forget_before(&self, counter: u64) {
        let forgotten = self.with_awake(|core| {
            let session = &mut core.recalled.as_deref_mut()?.session;
            session.take_if(|(_, record)| record.counter < counter)
        });
        drop(forgotten);
    }

    /// Remembers what is sealed so. Where there is no seal of the session's record, nothing of it is remembered; where
    /// there is none of the account's, what was remembered before stays: it may be all that is left of it.
    fn keep_in_mind(&self, records: &Records, under_lock: bool) {
        let seals = (records.session_seal, records.account_seal);
        let is_known = self.with_awake(|core| {
            let known = core.recalled.as_deref_mut().filter(|known| known.seals() == seals)?;
            known.under_lock |= under_lock;
            Some(())
        });
        if is_known.flatten().is_some() {
            return;
        }
        let mut recalled = Recalled {
            names: records.names.clone(),
            session: records.session_seal.map(|seal| (seal, records.session.clone())),
            account: records.account_seal.map(|seal| (seal, records.account.clone())),
            under_lock,
        };
        let replaced = self.with_awake(|core| match &mut core.recalled {
            Some(known) => {
                if recalled.account.is_none() {
                    recalled.account = known.account.take();
                    recalled.under_lock = known.under_lock;
                }
                Some(mem::replace(&mut **known, recalled))
            }
            None => {
                core.recalled = Some(Box::new(recalled));
                None
            }
        });
        drop(replaced);
    }
}

fn known<R: Clone>(seal: Option<Seal>, recalled: Option<&(Seal, R)>) -> Option<R> {
    recalled.filter(|(of, _)| Some(*of) == seal).map(|(_, record)| record.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_is_flipped_anywhere_shows_itself() {
        let sealed: Vec<u8> = (0..99).collect();
        let known = Seal::of(&sealed);
        assert!(known.is_some() && known == Seal::of(&sealed));
        for (at, bit) in (0..sealed.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut other = sealed.clone();
            other[at] ^= 1 << bit;
            assert!(known != Seal::of(&other), "bit {bit} of byte {at}");
        }
        assert!(Seal::of(&sealed[..15]).is_none());
    }
}
