//! A lease that is lost in each phase of an exchange. Whoever slept through its end writes nothing any more
//! and knows before it sends; what the next holder wrote stays.

use std::time::Duration;

use countersign_core::{
    Committed, Fence, Fingerprint, Generation, Lock, RecordName, Revision, SecretBytes, SessionKey,
    Timestamp,
};

use super::bench::{clear, counted, ensure, ensure_taken, fresh_key, get, sealer, take, write};
use super::leases::unleased;
use super::report::Verdict;
use super::{Failure, Subject};
use crate::{Journal, Sealer, SessionRecord};

/// Before which of its steps the slow host lost its lease.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Load,
    Journal,
    Send,
    Commit,
    Release,
}

/// What the next holder does: also one that only looks keeps the slow one out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Looks,
    Writes,
}

pub(super) async fn a_lease_lost_before_the_load_fences_the_journal(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    both(on, Before::Load).await
}

pub(super) async fn a_lease_lost_before_the_journal_fences_it(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    both(on, Before::Journal).await
}

pub(super) async fn a_lease_lost_before_the_send_is_known(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    both(on, Before::Send).await
}

pub(super) async fn a_lease_lost_before_the_commit_fences_it(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    both(on, Before::Commit).await
}

pub(super) async fn a_lease_lost_before_the_release_releases_nothing(
    on: &Subject<'_>,
) -> Result<Verdict, Failure> {
    both(on, Before::Release).await
}

async fn both(on: &Subject<'_>, lost: Before) -> Result<Verdict, Failure> {
    if let Some(verdict) = unleased(on) {
        return Ok(verdict);
    }
    for next in [Next::Looks, Next::Writes] {
        exchange(on, lost, next).await?;
    }
    Ok(Verdict::Passed)
}

/// One session with its account's lock.
struct Stage<'s, 'a> {
    on: &'s Subject<'a>,
    key: SessionKey,
    sealer: Sealer,
    account: RecordName,
    name: RecordName,
}

impl Stage<'_, '_> {
    fn sealed(&self, record: &SessionRecord) -> Result<SecretBytes, Failure> {
        Ok(self.sealer.seal_session(&self.key, record)?)
    }

    async fn record(&self) -> Result<(Revision, SessionRecord), Failure> {
        let stored = get(self.on.second, &self.name).await?;
        let record = self.sealer.open_session(&self.key, stored.bytes.expose_bytes())?;
        Ok((stored.revision, record))
    }

    /// A write of the slow host that must be refused, and shown what is there.
    async fn refused(
        &self,
        expected: Revision,
        fence: Fence,
        record: &SessionRecord,
        otherwise: &str,
    ) -> Result<(), Failure> {
        let bytes = self.sealed(record)?;
        match self.on.store.commit(&self.name, expected, Some(fence), bytes).await? {
            Committed::Lost(Some(_)) => Ok(()),
            Committed::Lost(None) => Err(Failure::new("a refused write was shown no record")),
            Committed::Done(_) => Err(Failure::new(otherwise)),
        }
    }

    /// The lease ends, and the next host takes the lock; it sees the journal if one was written.
    async fn overtaken(&self, next: Next, journalled: bool) -> Result<Box<dyn Lock>, Failure> {
        self.on.pass(self.on.lease * 2).await;
        let lock = take(self.on, self.on.second, &self.account).await?;
        let (revision, record) = self.record().await?;
        ensure(
            record.journal.is_some() == journalled,
            "the next holder does not see whether a refresh was under way",
        )?;
        if next == Next::Writes {
            let bytes = self.sealed(&counted(WINNER))?;
            let fence = Some(lock.fence());
            let end = self.on.second.commit(&self.name, revision, fence, bytes).await?;
            ensure(matches!(end, Committed::Done(_)), "the next holder of a lock cannot write")?;
        }
        Ok(lock)
    }
}

const FIRST: u64 = 1;
const WINNER: u64 = 100;

async fn exchange(on: &Subject<'_>, lost: Before, next: Next) -> Result<(), Failure> {
    let (key, sealer) = (fresh_key()?, sealer(on.store).await?);
    let (account, name) = (sealer.name(&key.account().digest()), sealer.name(&key.digest()));
    let stage = Stage { on, key, sealer, account, name };
    write(on.store, &stage.name, Revision::NONE, stage.sealed(&counted(FIRST))?).await?;

    let slow = take(on, on.store, &stage.account).await?;
    let end = steps(&stage, &*slow, lost, next).await;
    slow.release().await;
    let lock = end?;
    ensure_taken(on, &stage.account, "a lock was released by who had lost it").await?;
    let expected = if next == Next::Writes { WINNER } else { FIRST };
    ensure(stage.record().await?.1.counter == expected, "what the next holder saw is not there")?;
    lock.release().await;
    clear(on.store, &stage.name).await
}

/// The slow host's way up to where it is stopped.
async fn steps(
    stage: &Stage<'_, '_>,
    slow: &dyn Lock,
    lost: Before,
    next: Next,
) -> Result<Box<dyn Lock>, Failure> {
    let on = stage.on;
    let mut overtaker = None;
    if lost == Before::Load {
        overtaker = Some(stage.overtaken(next, false).await?);
    }
    let seen = get(on.store, &stage.name).await?.revision;
    if lost == Before::Journal {
        overtaker = Some(stage.overtaken(next, false).await?);
    }
    let journal = Journal {
        refresh: Fingerprint::from_raw([7; 16]),
        generation: Generation { counter: FIRST, tag: 1 },
        sent_at: Timestamp::UNIX_EPOCH,
        attempt: 1,
    };
    let journalled = SessionRecord { journal: Some(journal), ..counted(FIRST) };
    if let Some(lock) = overtaker {
        let otherwise = "a journal was written by who had lost the lock";
        stage.refused(seen, slow.fence(), &journalled, otherwise).await?;
        return Ok(lock);
    }
    let bytes = stage.sealed(&journalled)?;
    let Committed::Done(revision) =
        on.store.commit(&stage.name, seen, Some(slow.fence()), bytes).await?
    else {
        return Err(Failure::new("the holder of a lock cannot write its journal"));
    };
    ensure(slow.held_for(Duration::ZERO), "a lock is lost before its lease is over")?;
    if lost == Before::Send {
        let lock = stage.overtaken(next, true).await?;
        ensure(!slow.held_for(Duration::ZERO), "a lock that was lost is held before the send")?;
        return Ok(lock);
    }
    if lost == Before::Commit {
        let lock = stage.overtaken(next, true).await?;
        let otherwise = "tokens were written by who had lost the lock";
        stage.refused(revision, slow.fence(), &counted(FIRST + 1), otherwise).await?;
        return Ok(lock);
    }
    let bytes = stage.sealed(&counted(FIRST))?;
    let end = on.store.commit(&stage.name, revision, Some(slow.fence()), bytes).await?;
    ensure(matches!(end, Committed::Done(_)), "the holder of a lock cannot write")?;
    stage.overtaken(next, false).await
}
