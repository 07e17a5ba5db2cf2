//! What the store holds, told without a secret: for listings, and for whoever ends sessions of which
//! nothing is known here but their records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    Error, Generation, LockoutRule, RecordName, Revision, StoredKey, StoredRecord, Timestamp,
};
use countersign_seal::{AccountRecord, EndCause, Found, Sealer, SessionRecord};

use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::lockout;
use crate::opener::UNKNOWN_KEY;
use crate::shared::Shared;

/// So many records are read at once.
const BATCH: usize = 256;

/// One record of the store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// Its name in the store.
    pub record: RecordName,
    /// The number of the last write to it.
    pub revision: Revision,
    /// Whose it is, as far as that is known. Personal: keep it out of logs.
    pub key: Option<StoredKey>,
    /// What it holds.
    pub content: StoredContent,
}

/// What a record holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoredContent {
    /// A session.
    Session(StoredSession),
    /// What the sessions of an account share.
    Account(StoredAccount),
    /// The part of a session's record that readers get.
    ForReaders(StoredSession),
    /// It cannot be opened: the code of the error ([`Error::code`]) says why. `unnamed`: it is of
    /// format 1, which does not say whose it is; a session that is open in this keeper is known by its
    /// key, and any write to it by this release names it.
    Unreadable(Error),
}

/// What is stored of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredSession {
    /// In a word.
    pub state: StoredState,
    /// The generation that is stored.
    pub generation: Option<Generation>,
    /// When its tokens were bought.
    pub issued_at: Option<Timestamp>,
    /// When its access token ends.
    pub expires_at: Option<Timestamp>,
    /// Whether there is a refresh token that was not refused and is not over.
    pub refreshable: bool,
    /// When the refresh token ends, if that is known.
    pub refresh_expires_at: Option<Timestamp>,
    /// How many tokens the refresh token has bought.
    pub refreshes: u32,
    /// A refresh that was about to be sent, and whose end nobody has written.
    pub journal: Option<StoredJournal>,
    /// Until when the challenge that waits can be answered.
    pub challenge_until: Option<Timestamp>,
    /// How the session was ended on purpose.
    pub ended: Option<StoredEnd>,
    /// Whether it is open in this keeper.
    pub open_here: bool,
}

/// The state of a stored session in a word, by the clock of whoever looked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StoredState {
    /// No tokens and no trace of an end.
    Empty,
    /// The access token is good.
    Good,
    /// The access token is over, and a refresh token is there.
    Refreshable,
    /// The access token is over, and only a sign-in brings another.
    Over,
    /// A refresh token that may be spent was sent, and its end is not known.
    Uncertain,
    /// A challenge waits for its answer.
    Challenged,
    /// It was ended on purpose; the provider was not asked or has not confirmed.
    SignedOut,
    /// It was ended on purpose, and the provider has revoked it.
    Revoked,
}

impl StoredState {
    /// The word used in reports: `good`, `signed_out`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Good => "good",
            Self::Refreshable => "refreshable",
            Self::Over => "over",
            Self::Uncertain => "uncertain",
            Self::Challenged => "challenged",
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
        }
    }
}

/// The mark of a refresh that was about to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StoredJournal {
    /// The generation whose refresh token it was.
    pub generation: Generation,
    /// When it was sent first.
    pub sent_at: Timestamp,
    /// How often.
    pub attempt: u32,
}

/// How a session was ended on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StoredEnd {
    /// When.
    pub at: Timestamp,
    /// Which generation; `None` if there were no tokens.
    pub generation: Option<Generation>,
    /// The provider has confirmed the revocation.
    pub revoked: bool,
}

/// What is stored of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct StoredAccount {
    /// No sign-in before this.
    pub locked_until: Option<Timestamp>,
    /// How many secrets are remembered as refused.
    pub refused_secrets: usize,
    /// Whether there is a new password whose fate is not known.
    pub password_unsettled: bool,
}

impl Keeper {
    /// Everything that the store holds, in the order of the store, without any secret. Records that
    /// cannot be opened are in it too. Reads every record: on a large store this takes a while.
    ///
    /// # Errors
    /// [`countersign_core::ErrorKind::Store`] if the store cannot be listed or its keys cannot be had; with
    /// the code `readers_only` if there are readers' keys alone, which open what they are asked for by name.
    pub async fn stored(&self) -> Result<Vec<Stored>, Error> {
        let now = self.0.clock.now();
        let listed = listed(&self.0).await?;
        Ok(listed.into_iter().map(|listed| listed.told(&self.0, now)).collect())
    }
}

/// One record as it was found.
pub(crate) struct Listed {
    pub(crate) name: RecordName,
    pub(crate) revision: Revision,
    pub(crate) found: Result<Found, Error>,
}

/// All records of the store.
pub(crate) async fn listed(shared: &Arc<Shared>) -> Result<Vec<Listed>, Error> {
    let mut sealer = shared.sealer().await?;
    let names = shared.store.list().await?;
    let open: HashMap<RecordName, Arc<Cell>> =
        shared.all().into_iter().map(|cell| (sealer.name(&cell.digest), cell)).collect();
    let mut all = Vec::with_capacity(names.len());
    for names in names.chunks(BATCH) {
        let found = match shared.store.load_many(names).await {
            Ok(found) => found.into_iter().map(Ok).collect(),
            // One of them cannot be read: the others can.
            Err(_) => one_by_one(shared, names).await,
        };
        for (name, there) in names.iter().zip(found) {
            let (revision, found) = match there {
                // It has gone since it was listed.
                Ok(None) => continue,
                Ok(Some(there)) => {
                    let mut found = opened(&sealer, &open, name, &there);
                    let unknown =
                        found.as_ref().is_err_and(|error| error.code() == Some(UNKNOWN_KEY));
                    if unknown && shared.keys.read_again().await.is_ok() {
                        sealer = shared.sealer().await?;
                        found = opened(&sealer, &open, name, &there);
                    }
                    (there.revision, found)
                }
                Err(error) => (Revision::NONE, Err(error)),
            };
            all.push(Listed { name: name.clone(), revision, found });
        }
    }
    Ok(all)
}

async fn one_by_one(
    shared: &Shared,
    names: &[RecordName],
) -> Vec<Result<Option<StoredRecord>, Error>> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.push(shared.store.load(name).await);
    }
    found
}

fn opened(
    sealer: &Sealer,
    open: &HashMap<RecordName, Arc<Cell>>,
    name: &RecordName,
    there: &StoredRecord,
) -> Result<Found, Error> {
    let bytes = there.bytes.expose_bytes();
    match (sealer.open_found(name, bytes), open.get(name)) {
        (Err(error), Some(cell)) if error.code() == Some("unnamed") => {
            let record = sealer.open_session(&cell.key, bytes)?;
            Ok(Found::Session(StoredKey::from(&cell.key), Box::new(record)))
        }
        (found, _) => found,
    }
}

impl Listed {
    fn told(self, shared: &Shared, now: Timestamp) -> Stored {
        let key = self.found.as_ref().ok().map(|found| found.key().clone());
        let here = || key.as_ref().is_some_and(|key| shared.find(&key.digest()).is_some());
        let content = match &self.found {
            Ok(Found::Session(_, record)) => StoredContent::Session(session(record, now, here())),
            Ok(Found::ForReaders(_, record)) => {
                StoredContent::ForReaders(session(record, now, here()))
            }
            Ok(Found::Account(_, record)) => {
                StoredContent::Account(account(record, now, shared.policy.backoff.hint_cap))
            }
            Ok(_) => StoredContent::Unreadable(
                Error::new(countersign_core::ErrorKind::Store).with_code("newer_version"),
            ),
            Err(error) => StoredContent::Unreadable(error.clone()),
        };
        Stored { record: self.name, revision: self.revision, key, content }
    }
}

fn session(record: &SessionRecord, now: Timestamp, open_here: bool) -> StoredSession {
    let tokens = record.tokens.as_ref();
    let refresh = tokens.and_then(|tokens| tokens.refresh_token());
    let print = refresh.map(|refresh| refresh.fingerprint());
    let refresh_expires_at = tokens.and_then(|tokens| tokens.refresh_expires_at());
    let refreshable = refresh.is_some()
        && record.refresh_dead != print
        && refresh_expires_at.is_none_or(|end| end > now);
    let journal = record.journal.filter(|journal| Some(journal.refresh) == print);
    let challenge = record.challenge.as_ref().map(|pending| pending.challenge.expires_at);
    let challenge_until = challenge.filter(|until| *until > now);
    let expires_at = tokens.map(|tokens| tokens.expires_at());
    let good = expires_at.is_some_and(|end| end > now);
    let state = match record.ended {
        Some(ended) if ended.cause == EndCause::Revoked => StoredState::Revoked,
        Some(_) => StoredState::SignedOut,
        None if journal.is_some() => StoredState::Uncertain,
        None if good => StoredState::Good,
        None if challenge_until.is_some() => StoredState::Challenged,
        None if refreshable => StoredState::Refreshable,
        None if tokens.is_some() => StoredState::Over,
        None => StoredState::Empty,
    };
    StoredSession {
        state,
        generation: tokens.map(|tokens| tokens.generation()),
        issued_at: tokens.map(|tokens| tokens.issued_at()),
        expires_at,
        refreshable,
        refresh_expires_at,
        refreshes: tokens.map_or(0, |tokens| tokens.refreshes()),
        journal: journal.map(|journal| StoredJournal {
            generation: journal.generation,
            sent_at: journal.sent_at,
            attempt: journal.attempt,
        }),
        challenge_until,
        ended: record.ended.map(|ended| StoredEnd {
            at: ended.at,
            generation: ended.generation,
            revoked: ended.cause == EndCause::Revoked,
        }),
        open_here,
    }
}

fn account(record: &AccountRecord, now: Timestamp, hint_cap: Duration) -> StoredAccount {
    let believed = |until| lockout::believed(until, now, LockoutRule::Unknown, hint_cap);
    StoredAccount {
        locked_until: record.locked_until.filter(|until| *until > now).and_then(believed),
        refused_secrets: record.refused.len(),
        password_unsettled: record.pending_password.is_some(),
    }
}
