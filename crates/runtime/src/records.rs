//! The two records of a session: read together, seen by the machine, written by revision.

use countersign_core::session::ChallengeView;
use countersign_core::{
    Committed, Error, ErrorKind, Fence, RecordName, Recovery, Revision, SessionKey, StoredRecord,
    Timestamp,
};
use countersign_seal::{AccountRecord, PendingChallenge, Sealer, SessionRecord};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;

use crate::bulk::BATCH;
use crate::cell::Cell;
use crate::guards;
use crate::lockout;
use crate::on_write::OnWrite;
use crate::opener::{
    Names, Opener, Read, UNKNOWN_KEY, names, placed, read, whole, with_known_keys,
};
use crate::post::Cargo;
use crate::recall::Seal;
use crate::unsent::{Before, Unsent};

const DAY_SECONDS: i64 = 86_400;

/// What the store holds, and which revisions a write must replace.
pub(crate) struct Records {
    /// What they are called: known if both were read.
    pub(crate) names: Option<[RecordName; 2]>,
    pub(crate) session: OnWrite<SessionRecord>,
    session_revision: Revision,
    pub(crate) session_seal: Option<Seal>,
    /// It was written, and what readers get of it was not yet.
    pub(crate) copy_due: bool,
    /// The next write of the session marks a sending, over this mark.
    pub(crate) marks_over: Option<Before>,
    /// The stored record has a broken seal: it is set aside before another is written.
    damaged: bool,
    pub(crate) account: OnWrite<AccountRecord>,
    account_revision: Revision,
    pub(crate) account_seal: Option<Seal>,
    /// The account's record is there and cannot be read: what stands above says nothing then.
    guards_unreadable: Option<Error>,
    /// The same because it is sealed with a key that is not known here.
    guards_wait_for_a_key: bool,
    /// It is not there any more, and what stands above is what this process remembers of it.
    guards_from_memory: bool,
    /// What stands above is more than it holds.
    guards_owed: bool,
}

/// Whether a write came through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    Yes,
    /// Somebody else was first.
    Lost,
}

impl Records {
    /// Reads both. A record that is not there is an empty one.
    pub(crate) async fn load(cell: &Cell) -> Result<Self, Error> {
        let opener = cell.shared.opener().await?;
        let names = opener.names(cell);
        Self::load_as(cell, opener, names.all()).await
    }

    /// The same where their names are known.
    pub(crate) async fn load_as(
        cell: &Cell,
        opener: Opener,
        names: &[RecordName],
    ) -> Result<Self, Error> {
        let found = read(&*cell.shared.store, names).await?;
        let open = |opener: &Opener| Self::opened(cell, opener, names, &found);
        let waits = |records: &Self| records.guards_wait_for_a_key;
        with_known_keys(&cell.shared, opener, &found, open, waits).await
    }

    /// Reads those of several sessions of one keeper in one call of the store; what came of each. A store that gives
    /// nothing of a whole batch fails by itself, and not each of its records.
    pub(crate) async fn load_all(cells: &[&Cell]) -> Result<Vec<Result<Self, Error>>, Error> {
        let Some(first) = cells.first() else { return Ok(Vec::new()) };
        let shared = &first.shared;
        let opener = shared.opener().await?;
        let names: Vec<Names> = cells.iter().map(|cell| opener.names(cell)).collect();
        let flat: Vec<_> = names.iter().flat_map(Names::all).cloned().collect();
        let found = read(&*shared.store, &flat).await?;
        if cells.len() >= BATCH
            && found.iter().all(Result::is_err)
            && let Some(Err(error)) = found.first()
        {
            return Err(error.clone());
        }
        let open = |opener: &Opener| {
            let mut found = &found[..];
            let each = cells.iter().zip(&names).map(|(cell, names)| {
                let (theirs, rest) = found.split_at(names.all().len().min(found.len()));
                found = rest;
                Self::opened(cell, opener, names.all(), theirs)
            });
            Ok(each.collect())
        };
        let waits = |all: &Vec<Result<Self, Error>>| all.iter().any(Self::waits_for_a_key);
        with_known_keys(shared, opener, &found, open, waits).await
    }

    fn waits_for_a_key(opened: &Result<Self, Error>) -> bool {
        match opened {
            Ok(records) => records.guards_wait_for_a_key,
            Err(error) => error.code() == Some(UNKNOWN_KEY),
        }
    }

    fn opened(
        cell: &Cell,
        opener: &Opener,
        names: &[RecordName],
        found: &[Read],
    ) -> Result<Self, Error> {
        let (session, account) =
            found.split_first().ok_or_else(|| Error::new(ErrorKind::Internal))?;
        let mut records = Self::of_found(cell, opener, session.clone()?)?;
        if let (Some(name), Some(account)) = (names.get(1), account.first()) {
            records.take_account(cell, opener, name, account.clone())?;
        }
        records.names = names.first_chunk().cloned();
        Ok(records)
    }

    fn of_found(cell: &Cell, opener: &Opener, there: Option<StoredRecord>) -> Result<Self, Error> {
        let (revision, seal) = (revision(there.as_ref()), seal(there.as_ref()));
        let session = match there {
            Some(record) => match cell.recall_session(seal) {
                None => {
                    let opened = opener.open_session(cell, record.bytes.expose_bytes());
                    let opened =
                        whole(cell, opened).map_err(|error| placed(cell, opener, error))?;
                    opened.map(OnWrite::new)
                }
                recalled => recalled,
            },
            None => Some(OnWrite::default()),
        };
        let damaged = session.is_none();
        let records = Self::of(session.unwrap_or_default());
        let session_seal = seal.filter(|_| !damaged);
        Ok(Self { session_revision: revision, session_seal, damaged, ..records })
    }

    /// Guards that cannot be read, or are gone, are not taken for none.
    fn take_account(
        &mut self,
        cell: &Cell,
        opener: &Opener,
        name: &RecordName,
        read: Read,
    ) -> Result<(), Error> {
        let there = match read {
            Err(error) if error.recovery() != Recovery::GiveUp => return Err(error),
            there => there,
        };
        let found = there.as_ref().ok().and_then(Option::as_ref);
        let (seal, is_gone) = (seal(found), matches!(there, Ok(None)));
        self.account_revision = revision(found);
        let account = there.and_then(|there| match there {
            Some(record) => match cell.recall_account(seal) {
                None => opener.open_account(cell, record.bytes.expose_bytes()).map(OnWrite::new),
                Some(recalled) => Ok(recalled),
            },
            None => Ok(OnWrite::default()),
        });
        self.account_seal = seal.filter(|_| account.is_ok());
        let unreadable = account.as_ref().err();
        self.guards_wait_for_a_key = unreadable.is_some_and(|e| e.code() == Some(UNKNOWN_KEY));
        let place = || cell.shared.store.place(name);
        self.guards_unreadable = unreadable.map(|why| guards::unreadable(name, &place(), why));
        self.account = account.unwrap_or_default();
        if is_gone {
            match cell
                .shared
                .guards
                .of(name)
                .map(OnWrite::new)
                .or_else(|| cell.recall_lost_account())
            {
                Some(known) => (self.account, self.guards_from_memory) = (known, true),
                None if self.session.guarded => {
                    self.guards_unreadable = Some(guards::missing(name, &place()));
                }
                None => {}
            }
        }
        let known = match &self.guards_unreadable {
            Some(error) => Err(error),
            None => Ok(&mut self.account),
        };
        self.guards_owed = cell.shared.guards.note_read(name, known);
        let (now, cap) = (cell.shared.clock.now(), cell.shared.policy.backoff.hint_cap);
        let (until, rule) = (self.account.locked_until, cell.provider.capabilities().lockout);
        let believed = until.and_then(|until| lockout::believed(until, now, rule, cap));
        if believed != until {
            self.account.locked_until = believed;
        }
        if self.guards_owed || believed != until {
            // What stands here is not what is sealed so.
            self.account_seal = None;
        }
        Ok(())
    }

    /// Whether this process knows more of the account than the store has taken.
    pub(crate) const fn owes_guards(&self) -> bool {
        self.guards_owed
    }

    /// Whether the account's record is gone and only this process knows what it held.
    pub(crate) const fn guards_are_from_memory(&self) -> bool {
        self.guards_from_memory
    }

    /// Whether the account's record was there once and is gone.
    pub(crate) const fn misses_guards(&self) -> bool {
        self.guards_from_memory || self.guards_unreadable.is_some()
    }

    /// Why it is not known what the account must be spared, where it is not.
    pub(crate) const fn guards_unreadable(&self) -> Option<&Error> {
        self.guards_unreadable.as_ref()
    }

    /// Whether nobody has written the session's record between the readings of the two.
    pub(crate) fn is_of_one_writing_with(&self, other: &Self) -> bool {
        self.session_revision == other.session_revision
    }

    /// A record that no store holds.
    pub(crate) fn of_session(session: SessionRecord) -> Self {
        Self::of(OnWrite::new(session))
    }

    fn of(session: OnWrite<SessionRecord>) -> Self {
        Self {
            names: None,
            session,
            session_revision: Revision::NONE,
            session_seal: None,
            copy_due: false,
            marks_over: None,
            damaged: false,
            account: OnWrite::default(),
            account_revision: Revision::NONE,
            account_seal: None,
            guards_unreadable: None,
            guards_wait_for_a_key: false,
            guards_from_memory: false,
            guards_owed: false,
        }
    }

    /// The seal and the revision of the session's record, as it was read or written last.
    pub(crate) const fn session_as_read(&self) -> (Option<Seal>, Revision) {
        (self.session_seal, self.session_revision)
    }

    /// Whether the session's record has a broken seal.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// How many sign-ins by itself there were on the day of `now`.
    pub(crate) fn sign_ins_of(&self, now: Timestamp) -> u32 {
        let counted = self.account.sign_ins;
        if counted.day == day(now) { counted.count } else { 0 }
    }

    /// Writes the session's record.
    pub(crate) async fn save_session(
        &mut self,
        cell: &Cell,
        fence: Option<Fence>,
    ) -> Result<Written, Error> {
        let sealer = cell.shared.sealer().await?;
        if !self.session.guarded && self.account_revision != Revision::NONE {
            self.session.guarded = true;
        }
        let [name, _] = self.names(cell, &sealer);
        let bytes = sealer.seal_session_as(&name, &cell.key, &self.session)?;
        let seal = Seal::of(bytes.expose_bytes());
        if self.damaged {
            if !cell.shared.store.set_aside(&name, self.session_revision).await? {
                return Ok(Written::Lost);
            }
            tracing::warn!(session = %cell.digest, record = %name, "a damaged record was set aside");
            (self.damaged, self.session_revision) = (false, Revision::NONE);
        }
        let mark = self.marks_over.take().zip(seal);
        let mark = mark.map(|(before, seal)| Unsent::new(seal, self.session_revision, before));
        if let Some(mark) = mark {
            cell.core().note_unsent(mark);
        }
        let end = cell.shared.store.commit(&name, self.session_revision, fence, bytes).await?;
        if let Committed::Done(revision) = end {
            self.session_seal = seal;
            cell.with_awake(|core| core.note_stored(mark));
            cell.shared.note_write(false);
            cell.shared.watch.wrote(name, revision, cell.shared.clock.monotonic_coarse());
            self.copy_due = sealer.readers().is_some();
        }
        Ok(taken(end, &mut self.session_revision))
    }

    /// Writes the account's record.
    pub(crate) async fn save_account(
        &mut self,
        cell: &Cell,
        fence: Option<Fence>,
    ) -> Result<Written, Error> {
        if let Some(error) = &self.guards_unreadable {
            return Err(error.clone());
        }
        let sealer = cell.shared.sealer().await?;
        let [_, name] = self.names(cell, &sealer);
        let bytes = sealer.seal_account_as(&name, cell.account(), &self.account)?;
        let seal = Seal::of(bytes.expose_bytes());
        // Until it has come through, what stands here is not what the store has.
        self.account_seal = None;
        let end = cell.shared.store.commit(&name, self.account_revision, fence, bytes).await?;
        if matches!(end, Committed::Done(_)) {
            self.account_seal = seal;
            (self.guards_from_memory, self.guards_owed) = (false, false);
            cell.shared.guards.note_written(&name, &self.account);
        }
        Ok(taken(end, &mut self.account_revision))
    }

    fn names(&self, cell: &Cell, sealer: &Sealer) -> [RecordName; 2] {
        self.names.clone().unwrap_or_else(|| names(sealer, cell))
    }

    /// The bytes that go with the view.
    pub(crate) fn cargo(&self, cell: &Cell) -> Cargo {
        Cargo {
            record: self.session.tokens.clone().map(|tokens| cell.bundle(tokens)),
            challenge: self.session.challenge.clone().map(Box::new),
            ..Cargo::default()
        }
    }
}

fn seal(record: Option<&StoredRecord>) -> Option<Seal> {
    record.and_then(|record| Seal::of(record.bytes.expose_bytes()))
}

fn revision(there: Option<&StoredRecord>) -> Revision {
    there.map_or(Revision::NONE, |record| record.revision)
}

/// A sealed record as text for whoever carries it (base64url, RFC 4648 §5).
pub(crate) fn sealed_text(
    sealer: &Sealer,
    key: &SessionKey,
    record: &SessionRecord,
) -> Result<String, Error> {
    let sealed = sealer.seal_session(key, record)?;
    Ok(BASE64URL_NOPAD.encode(sealed.expose_bytes()))
}

/// A challenge as the machine sees it.
pub(crate) fn challenge_view(pending: &PendingChallenge) -> ChallengeView {
    ChallengeView {
        id: pending.id,
        expires_at: pending.challenge.expires_at,
        claimed: pending.claimed.is_some(),
        reanswerable: pending.challenge.reanswerable,
    }
}

/// The time step of a code (RFC 6238 §4.2) at `server_now`.
pub(crate) fn step_at(server_now: Timestamp, length: Duration) -> u64 {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX).max(1);
    server_now.as_millis().div_euclid(length).try_into().unwrap_or(0)
}

/// Days since 1970-01-01 (UTC).
pub(crate) fn day(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(DAY_SECONDS)
}

fn taken(end: Committed, revision: &mut Revision) -> Written {
    match end {
        Committed::Done(new) => {
            *revision = new;
            Written::Yes
        }
        Committed::Lost(_) => Written::Lost,
    }
}
