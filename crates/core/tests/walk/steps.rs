//! The steps of a flight: lock, journal and commit against the one store.

use countersign_core::session::{Effect, Event, Failure, Grant, JournalView, Report, Rules, Write};
use countersign_core::{Certainty, ErrorKind};

use crate::answers::second;
use crate::defect::Defect;
use crate::model::name;
use crate::world::{Broken, Flight, Outcome, World};

impl World {
    pub(crate) fn step(
        &mut self,
        n: usize,
        outcome: Outcome,
        rules: &Rules,
        defect: Defect,
    ) -> Result<(), Broken> {
        let Some(flight) = &mut self.hosts[n].flight else { return Ok(()) };
        let id = flight.id;
        let Some(step) = flight.step.take() else { return Ok(()) };
        let failure = Failure::new(ErrorKind::Store);
        let report = match (step, outcome) {
            (_, Outcome::FlightLost) => {
                // The task is gone and its lock with it; what was being written or sent may have arrived.
                self.attempt(n, &step);
                if self.store.holder == Some(n) {
                    self.store.holder = None;
                }
                Report::Lost
            }
            (Effect::Prepare(..), Outcome::Waits) => Report::Deferred(self.time().after(second())),
            (Effect::Prepare(..), Outcome::Fails) => {
                Report::Failed(Failure::new(ErrorKind::Credentials))
            }
            (Effect::Prepare(..), _) => Report::Prepared,
            (Effect::Lock(_) | Effect::Journal(..) | Effect::Commit(..), Outcome::Fails) => {
                self.attempt(n, &step);
                Report::Failed(failure)
            }
            (Effect::Lock(_), _) => {
                if !defect.skips_the_lock() {
                    self.store.holder = Some(n);
                    flight.locked = true;
                }
                flight.ends = self.store.ends;
                self.hosts[n].seen = self.store.record.clone();
                Report::Locked(Box::new(self.store.record.view()))
            }
            (Effect::Journal(_, grant), _) => self.journal(n, grant, defect),
            (Effect::Send(_, grant), outcome) => {
                Report::Answered(self.send(n, grant, outcome, defect)?)
            }
            (Effect::Commit(_, write), _) => {
                self.attempt(n, &step);
                self.commit(n, write, defect)?
            }
            (other, _) => return Err(format!("one-step: {other:?} is no step")),
        };
        self.post(n, Event::Flight(id, report), rules, defect)
    }

    pub(crate) fn attempt(&mut self, n: usize, step: &Effect) {
        if matches!(step, Effect::Commit(_, Write::Tokens)) {
            self.hosts[n].attempted = true;
        }
        if let (Effect::Commit(_, Write::Ending), Some(flight)) = (step, &mut self.hosts[n].flight)
        {
            flight.buried = true;
        }
    }

    /// Whether host `n` may still write: its lease has not been lost to another.
    pub(crate) fn fenced(&self, n: usize, defect: Defect) -> bool {
        self.store.holder == Some(n) || defect.skips_the_lock()
    }

    /// Whether a write comes through: by who may write, over what it has seen last. From now on nobody else has.
    fn writes(&mut self, n: usize, fenced: bool) -> bool {
        let stale = self.hosts[n].flight.as_ref().is_some_and(|flight| flight.stale);
        let comes_through = fenced && !stale;
        for (other, host) in self.hosts.iter_mut().enumerate() {
            if let Some(flight) = &mut host.flight {
                flight.stale = other != n && (flight.stale || (comes_through && flight.locked));
            }
        }
        comes_through
    }

    pub(crate) fn journal(&mut self, n: usize, grant: Grant, defect: Defect) -> Report {
        let fenced = self.fenced(n, defect);
        if !self.writes(n, fenced) {
            self.hosts[n].seen = self.store.record.clone();
            return Report::Superseded(Box::new(self.store.record.view()));
        }
        let now = self.time();
        let host = &mut self.hosts[n];
        if let Some(flight) = &mut host.flight {
            flight.journaled = true;
        }
        let record = &mut self.store.record;
        match grant {
            Grant::Refresh if !defect.skips_the_journal() => {
                let Some(refresh) = host.held.and_then(|held| held.refresh) else {
                    return Report::Journaled;
                };
                let before = record.journal.filter(|journal| journal.refresh == name(refresh));
                record.journal = Some(JournalView {
                    refresh: name(refresh),
                    sent_at: before.map_or(now, |journal| journal.sent_at),
                    attempt: before.map_or(0, |journal| journal.attempt) + 1,
                });
            }
            Grant::SignIn { explicit: false } => record.sign_ins += 1,
            Grant::Answer => {
                if let Some(challenge) = &mut record.challenge {
                    challenge.claimed = !defect.skips_the_claim();
                }
            }
            Grant::SignIn { .. } | Grant::Refresh | Grant::Revoke | Grant::Save => {}
        }
        Report::Journaled
    }

    pub(crate) fn commit(
        &mut self,
        n: usize,
        write: Write,
        defect: Defect,
    ) -> Result<Report, Broken> {
        // An end needs no lock.
        let ends = matches!(write, Write::Ending | Write::Tombstone);
        let fenced = ends || self.fenced(n, defect);
        if !self.writes(n, fenced) {
            self.hosts[n].seen = self.store.record.clone();
            return Ok(Report::Superseded(Box::new(self.store.record.view())));
        }
        let host = &mut self.hosts[n];
        let record = &mut self.store.record;
        // From here on everybody could know; a process that dies before it may try once more.
        let known = &mut self.provider;
        match write {
            Write::RefreshDead => known.refused_refresh = host.held.and_then(|held| held.refresh),
            Write::Refused(Certainty::Certain) => known.refused_password = true,
            Write::LockedUntil(until) => known.locked_until = Some(until),
            _ => {}
        }
        if defect.drops(write) {
            return Ok(Report::Committed);
        }
        if ends && !record.ended {
            self.store.ends += 1;
            self.store.before_end = Some(Box::new(record.clone()));
        }
        match write {
            Write::Tokens => {
                let Some(tokens) = host.answer.or(host.held) else {
                    return Err("commit: what is written is at hand".into());
                };
                let by_name = |flight: &Flight| flight.by_name || flight.answers;
                self.store.begun += u8::from(host.flight.as_ref().is_some_and(by_name));
                record.kept = record.tokens.is_some_and(|old| old.refresh == tokens.refresh);
                (record.tokens, record.counter) = (Some(tokens), tokens.generation.counter);
                (record.journal, record.challenge, record.refused) = (None, None, None);
                (record.ended, record.dead, record.suspicion) = (false, None, 0);
            }
            Write::Challenge => record.challenge = host.seen.challenge,
            Write::Refused(certainty) => record.refuse(certainty),
            Write::LockedUntil(until) => record.locked_until = Some(until),
            Write::Uncounted => record.sign_ins = record.sign_ins.saturating_sub(1),
            Write::RefreshDead => record.dead = host.held.and_then(|held| held.refresh),
            Write::Suspect => (record.suspicion, record.journal) = (record.suspicion + 1, None),
            Write::ClearJournal => record.journal = None,
            Write::Unclaim => {
                if let Some(challenge) = &mut record.challenge {
                    challenge.claimed = false;
                }
            }
            Write::DropChallenge => record.challenge = None,
            Write::Ending => {
                (record.journal, record.challenge, record.ended) = (None, None, true);
            }
            Write::Tombstone => {
                (record.tokens, record.journal, record.challenge) = (None, None, None);
                record.ended = true;
            }
        }
        Ok(Report::Committed)
    }
}
