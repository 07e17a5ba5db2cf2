//! What a task leaves behind that goes with its runtime before its write has an answer: whoever comes
//! next makes the write. Until then nobody sees the tokens: a token is handed out after its write was
//! tried, never before.

use std::sync::Arc;

use countersign_core::session::{Effect, Event, ExchangeId, Grant, Report, Write};
use countersign_core::{Credentials, Error, SecretString, Timestamp, TokenSet};
use countersign_scheduler::Settled;
use countersign_seal::Sealer;

use crate::carry::Carried;
use crate::cell::Cell;
use crate::flight::{Candidate, Ended, Flight, Marks};
use crate::inner::{Core, FlightSlot};
use crate::post::Cargo;
use crate::prepare::lease;
use crate::records::Records;

/// All that the write is made of but for the lock, which has gone with the task.
pub(crate) struct Parked {
    grant: Option<Grant>,
    credentials: Option<Credentials>,
    candidate: Option<Candidate>,
    sealer: Option<Arc<Sealer>>,
    records: Option<Records>,
    ambient_now: Option<Timestamp>,
    before: Option<Marks>,
    code_unused: bool,
    proved: bool,
    revoked: bool,
    unknown: bool,
    sent: Option<Grant>,
    carried: Option<Box<Carried>>,
    offered: Option<SecretString>,
    settled: Option<(SecretString, bool)>,
    refused_at: Option<Timestamp>,
    left: Option<Box<TokenSet>>,
}

/// The write of `step`, if whoever comes next can make it. What clears or sets a mark of one exchange
/// cannot be made later: the mark may be another's by then.
pub(crate) const fn can_wait(step: &Effect) -> bool {
    matches!(
        step,
        Effect::Commit(
            _,
            Write::Tokens
                | Write::Refused(_)
                | Write::LockedUntil(_)
                | Write::Ending
                | Write::Tombstone
        )
    )
}

impl Flight {
    /// Leaves `step` to whoever comes next.
    pub(crate) fn park(&mut self, step: Effect) {
        // Whoever takes it up needs the lock.
        drop(self.lock.take());
        // A place in the lane is nobody's any more.
        self.settle(Settled::Unused);
        let parked = Parked {
            grant: self.grant,
            credentials: self.credentials.take(),
            candidate: self.candidate.take(),
            sealer: self.sealer.take(),
            records: self.records.take(),
            ambient_now: self.ambient_now,
            before: self.before,
            code_unused: self.code_unused,
            proved: self.proved,
            revoked: self.revoked,
            unknown: self.unknown,
            sent: self.sent,
            carried: self.carried.take(),
            offered: self.offered.take(),
            settled: self.settled.take(),
            refused_at: self.refused_at,
            left: self.left.take(),
        };
        let cell = &self.cell;
        {
            let mut core = cell.core();
            // The session lives until it is written, whoever holds it.
            cell.shared.keep_unsaved(cell, true);
            if let Some(slot) = core.flight(self.id) {
                slot.steps.push_front(step);
                slot.parked = Some(Box::new(parked));
                slot.running = false;
            }
            // Whoever is handed the token that is good meanwhile sees to it.
            if let Some(shown) = cell.snapshot.load_full() {
                let now = cell.shared.clock.now();
                cell.snapshot.store(Arc::new(shown.fresh_to(now)));
            }
        }
        cell.notify_waiters();
        cell.shared.wake.notify_one();
    }

    /// The flight `id`, with what an earlier task has left of it.
    pub(crate) fn of(cell: Arc<Cell>, id: ExchangeId) -> Self {
        let parked = cell.core().flight(id).and_then(|slot| slot.parked.take());
        let new = Self::new(cell, id);
        let Some(parked) = parked else { return new };
        let Parked {
            grant,
            credentials,
            candidate,
            sealer,
            records,
            ambient_now,
            before,
            code_unused,
            proved,
            revoked,
            unknown,
            sent,
            carried,
            offered,
            settled,
            refused_at,
            left,
        } = *parked;
        Self {
            grant,
            credentials,
            candidate,
            sealer,
            records,
            ambient_now,
            before,
            code_unused,
            proved,
            revoked,
            unknown,
            sent,
            carried,
            offered,
            settled,
            refused_at,
            left,
            taken_up: true,
            ..new
        }
    }

    /// Makes a write whose first task has gone, perhaps after it had come through.
    pub(crate) async fn commit_again(&mut self, what: Write) -> Result<Ended, Error> {
        self.taken_up = false;
        let before = self.records.take();
        let sealer = self.cell.shared.sealer().await?;
        let name = sealer.name(&self.cell.account().digest());
        let lease = lease(self.cell.exchange_deadline());
        self.lock = Some(self.cell.shared.store.lock(&name, lease, lease).await?);
        let records = Records::load(&self.cell).await?;
        let written_since = before.is_none_or(|before| !records.is_of_one_writing_with(&before));
        if what == Write::Tokens && written_since {
            let ours = self.cell.core().bought(self.id);
            let stored = records.session.tokens.as_ref().map(|tokens| tokens.generation());
            if ours.is_some() && stored == ours {
                let mut records = records;
                // Whether readers have it, nobody can say.
                records.copy_due = sealer.readers().is_some();
                self.records = Some(records);
                self.revoke_what_was_left();
                return Ok((Report::Committed, Cargo::default()));
            }
            return self.superseded().await;
        }
        if what == Write::Tombstone && written_since && records.session.ended.is_none() {
            // Somebody has begun another session since this one was ended.
            return self.superseded().await;
        }
        self.records = Some(records);
        self.commit(what).await
    }
}

impl Cell {
    /// Tells the machine that a task has died with its runtime: what has to fly waits for the next caller.
    pub(crate) fn post_lost(self: &Arc<Self>, id: ExchangeId) {
        let mut after = self.handle(Event::Flight(id, Report::Lost), Cargo::default());
        for id in after.take_off.drain(..) {
            if let Some(slot) = self.core().flight(id) {
                slot.running = false;
            }
            self.shared.landed();
        }
        if !self.shared.has_given_up() {
            let core = self.core();
            self.shared.keep_unsaved(self, !core.saved || core.has_parked());
        }
        after.discard.clear();
        self.finish(after);
    }
}

impl Core {
    /// Whether a write waits for somebody who makes it, or the end of the session does.
    pub(crate) fn has_parked(&self) -> bool {
        let ending = self.machine.is_ending();
        let stands = |slot: &FlightSlot| !slot.running && !slot.steps.is_empty();
        self.flights.iter().any(|slot| slot.parked.is_some() || (ending && stands(slot)))
    }

    fn bought(&mut self, id: ExchangeId) -> Option<countersign_core::Generation> {
        let bundle = self.flight(id)?.incoming.bundle.as_ref()?;
        Some(bundle.tokens.generation())
    }
}
