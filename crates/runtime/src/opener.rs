//! Records on their way from the store to what is in them.

use std::sync::Arc;

use countersign_core::{Error, KeyDigest, RecordName, Recovery, SessionStore, StoredRecord};
use countersign_seal::{AccountRecord, Readers, Sealer, SessionRecord};

use crate::cell::Cell;
use crate::shared::Shared;

/// What a store says of a record.
pub(crate) type Read = Result<Option<StoredRecord>, Error>;

/// The code of a record that is sealed with a key that is not known.
pub(crate) const UNKNOWN_KEY: &str = "unknown_key";

/// What the records of a session are called: its own, and its account's where that can be opened.
pub(crate) enum Names {
    Whole([RecordName; 2]),
    Readers([RecordName; 1]),
}

/// What opens records: everything of a session, or what readers get.
pub(crate) enum Opener {
    Whole(Arc<Sealer>),
    Readers(Arc<Readers>),
}

/// The names of the session's record and of its account's.
pub(crate) fn names(sealer: &Sealer, cell: &Cell) -> [RecordName; 2] {
    let made = || [sealer.name(&cell.digest), sealer.name(&cell.account().digest())];
    cell.recall_names().unwrap_or_else(made)
}

impl Names {
    /// The session's, then the account's if it is among them.
    pub(crate) const fn all(&self) -> &[RecordName] {
        match self {
            Self::Whole(names) => names,
            Self::Readers(name) => name,
        }
    }
}

impl Opener {
    /// The name of a session's record.
    pub(crate) fn name(&self, digest: &KeyDigest) -> RecordName {
        match self {
            Self::Whole(sealer) => sealer.name(digest),
            Self::Readers(readers) => readers.name(digest),
        }
    }

    /// Each is a keyed hash: made once for what is done with them.
    pub(crate) fn names(&self, cell: &Cell) -> Names {
        match self {
            Self::Whole(sealer) => Names::Whole(names(sealer, cell)),
            Self::Readers(readers) => Names::Readers([readers.name(&cell.digest)]),
        }
    }

    /// Whether somebody seals with a newer key by now.
    pub(crate) fn is_behind(&self, found: &[Read]) -> bool {
        let Self::Whole(sealer) = self else { return false };
        let mut found = found.iter().filter_map(|read| read.as_ref().ok()?.as_ref());
        found.any(|record| sealer.is_behind(record.bytes.expose_bytes()))
    }

    pub(crate) fn open_session(&self, cell: &Cell, bytes: &[u8]) -> Result<SessionRecord, Error> {
        match self {
            Self::Whole(sealer) => sealer.open_session(&cell.key, bytes),
            Self::Readers(readers) => readers.open(&cell.key, bytes),
        }
    }

    pub(crate) fn open_account(&self, cell: &Cell, bytes: &[u8]) -> Result<AccountRecord, Error> {
        match self {
            Self::Whole(sealer) => sealer.open_account(cell.account(), bytes),
            Self::Readers(_) => Ok(AccountRecord::default()),
        }
    }
}

/// A session whose seal is broken opens for nobody, now or later: there is none, and before another is
/// written it is set aside. One that another key or a newer program could open is an error and stays.
pub(crate) fn whole(
    cell: &Cell,
    opened: Result<SessionRecord, Error>,
) -> Result<Option<SessionRecord>, Error> {
    match opened {
        Err(error) if error.code() == Some("damaged") => {
            tracing::debug!(session = %cell.digest, error = %error, "a record is damaged");
            Ok(None)
        }
        opened => opened.map(Some),
    }
}

/// The same error, which says where the record lies.
pub(crate) fn placed(cell: &Cell, opener: &Opener, error: Error) -> Error {
    let place = cell.shared.store.place(&opener.name(&cell.digest));
    let hint = format!("{place} does not open: {}", error.hint_text());
    error.hint(hint)
}

/// The records of these names. Where one is in the way of the others, and will be, they are read one by one.
pub(crate) async fn read(
    store: &dyn SessionStore,
    names: &[RecordName],
) -> Result<Vec<Read>, Error> {
    match store.load_many(names).await {
        Ok(found) => Ok(found.into_iter().map(Ok).collect()),
        Err(error) if error.recovery() == Recovery::GiveUp => {
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                found.push(store.load(name).await);
            }
            Ok(found)
        }
        Err(error) => Err(error),
    }
}

/// What `open` makes of what was found. Where something waits for a key that is not known, the keys are read once
/// more.
pub(crate) async fn with_known_keys<T>(
    shared: &Arc<Shared>,
    opener: Opener,
    found: &[Read],
    open: impl Fn(&Opener) -> Result<T, Error>,
    waits: impl FnOnce(&T) -> bool,
) -> Result<T, Error> {
    let opened = open(&opener);
    let waits = match &opened {
        Err(error) => error.code() == Some(UNKNOWN_KEY),
        Ok(opened) => waits(opened),
    };
    if !waits {
        if opened.is_ok() && opener.is_behind(found) {
            // What is known opens all there is: the next write is soon enough.
            let keeper = Arc::clone(shared);
            shared.spawn(async move { drop(keeper.keys.read_again().await) });
        }
        return opened;
    }
    // Not kept meanwhile: there would have to be room for it in every exchange.
    drop(opened);
    // A key that was added since ours were read: they are read once more.
    if let Err(error) = shared.keys.read_again().await {
        tracing::debug!(%error, "the keys of the store could not be read again");
        return open(&opener);
    }
    open(&shared.opener().await?)
}
