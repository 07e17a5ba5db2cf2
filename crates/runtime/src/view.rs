//! What the machine may know of the records: names, instants and verdicts, and no secret.

use std::time::Duration;

use countersign_core::session::{Guards, Held, JournalView, RecordView, RefusedView};
use countersign_core::{Certainty, RefreshToken, Rotation, Timestamp, TokenSet};
use countersign_seal::SessionRecord;

use crate::cell::Cell;
use crate::flight::Candidate;
use crate::records::{Records, challenge_view, step_at};

/// How long a refusal that may have hidden another cause is remembered: twice as long after each further
/// one, up to a day, so that a password that is wrong after all is not sent every hour for ever.
const POSSIBLE_MEMORY: Duration = Duration::from_secs(3600);
const LONGEST_MEMORY: Duration = Duration::from_secs(86_400);

/// How far the clocks of two hosts may be apart before a mark of the future is no longer believed.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

impl Records {
    /// What the machine may know of them. `secret` is the one that is about to be sent.
    pub(crate) fn view(&self, cell: &Cell, secret: Option<&Candidate>) -> RecordView {
        let record = &self.session;
        let dead = |tokens: &TokenSet| {
            let refresh = tokens.refresh_token().map(RefreshToken::fingerprint);
            refresh.is_some() && record.refresh_dead == refresh
        };
        RecordView {
            tokens: record.tokens.as_ref().map(|tokens| Held::of(tokens, dead(tokens))),
            journal: record.journal.map(|journal| JournalView {
                refresh: journal.refresh,
                // Written by a clock that is ahead of ours: the grace may be over long ago.
                sent_at: match journal.sent_at > cell.shared.clock.now().after(CLOCK_TOLERANCE) {
                    true => Timestamp::UNIX_EPOCH,
                    false => journal.sent_at,
                },
                attempt: journal.attempt,
            }),
            challenge: record.challenge.as_ref().map(challenge_view),
            ended: record.ended.is_some(),
            counter: counter(record),
            suspicion: record.suspicion,
            refresh_kept: record.rotation == Some(Rotation::Kept),
            guards: self.guards(cell, secret),
        }
    }

    fn guards(&self, cell: &Cell, secret: Option<&Candidate>) -> Guards {
        let now = cell.shared.clock.now();
        let print = secret.map(|secret| secret.fingerprint);
        let refused = self.account.refused.iter().find(|entry| Some(entry.secret) == print);
        let remembered = |entry: &&countersign_seal::RefusedSecret| {
            entry.certainty == Certainty::Certain || now.since(entry.at) < memory_of(entry.tries)
        };
        Guards {
            locked_until: self.account.locked_until.filter(|until| *until > now),
            refused: refused
                .filter(remembered)
                .map(|entry| RefusedView { certainty: entry.certainty, tries: entry.tries }),
            sign_ins_today: self.sign_ins_of(now),
            code_free_at: secret.filter(|s| s.sends_code()).and_then(|_| self.code_free_at(cell)),
        }
    }

    /// When the next code may be used to sign in, if this step's is used up.
    fn code_free_at(&self, cell: &Cell) -> Option<Timestamp> {
        let length = cell.provider.capabilities().sign_in_code?;
        let last = self.account.last_code_step?;
        let current = step_at(cell.server_now(), length);
        // A step of the far future was written by a clock that was wrong: it holds nobody back.
        (current..=current.saturating_add(1)).contains(&last).then(|| {
            let begins = u128::from(last.saturating_add(1)).saturating_mul(length.as_millis());
            let begins = i64::try_from(begins).unwrap_or(i64::MAX);
            Timestamp::from_millis(begins).shifted(cell.site.skew_millis().saturating_neg())
        })
    }
}

/// How far it has come. What readers get says it of its tokens, or of its end, alone.
fn counter(record: &SessionRecord) -> u64 {
    let held = record.tokens.as_ref().map(TokenSet::generation);
    let ended = record.ended.and_then(|end| end.generation);
    let known = [held, ended].into_iter().flatten().map(|generation| generation.counter);
    known.fold(record.counter, u64::max)
}

fn memory_of(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(2).min(5);
    (POSSIBLE_MEMORY * (1 << doublings)).min(LONGEST_MEMORY)
}
