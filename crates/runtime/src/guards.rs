//! What an account must be spared, where it cannot be read or is gone: nobody signs in to the account then, and
//! what is there of its sessions is used and renewed. Only a person can know whether it may be forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use countersign_core::session::Grant;
use countersign_core::{Committed, Error, ErrorKind, RecordName, Recovery, Revision, Timestamp};
use countersign_seal::AccountRecord;

use crate::by_name::ByName;
use crate::cell::Cell;
use crate::flight::Flight;
use crate::on_write::OnWrite;
use crate::opener::UNKNOWN_KEY;
use crate::owed::{Owed, Refusal, UnsentPassword};
use crate::records::{Records, Written};
use crate::session::Session;
use crate::sync::Mutex;

/// The code of an account's record that cannot be read.
const UNREADABLE: &str = "guards_unreadable";

/// The code of an account's record that was there and is gone.
const MISSING: &str = "guards_missing";

/// The code of a record that another release has written.
const NEWER: &str = "newer_version";

/// So many digits of a record's name tell it from the others, where a person names it.
const SHORT: usize = 8;

/// Why nobody signs in: the record `name`, which lies at `place`, cannot be read because of `why`.
pub(crate) fn unreadable(name: &RecordName, place: &str, why: &Error) -> Error {
    let id = name.as_str().get(..SHORT).unwrap_or_default();
    let (what, helps) = match why.code() {
        Some("damaged") => ("is damaged".to_owned(), "bring it back".to_owned()),
        Some(NEWER) => {
            let helps =
                "upgrade this program, or, if no newer one has ever used this store, bring it back";
            ("was written by a newer version".to_owned(), helps.to_owned())
        }
        Some(UNKNOWN_KEY) => (
            "is sealed with a key that is not known, or damaged".to_owned(),
            "bring that key back, or the record".to_owned(),
        ),
        Some("foreign") => (
            "says that it is another's, or is damaged".to_owned(),
            "bring the right one back".to_owned(),
        ),
        _ => ("cannot be read".to_owned(), why.hint_text().to_owned()),
    };
    // Nobody overrules what a newer program knows.
    let or = match why.code() {
        Some(NEWER) => String::new(),
        _ => or_forget(id, "set aside"),
    };
    held(UNREADABLE)
        .hint(format!(
            "{place} keeps what the account must be spared (its lockout, refused passwords, used codes) and \
             {what}, so nobody signs in to it; {helps}{or}"
        ))
        .with_source(why.clone())
}

/// The same where the record is gone, and a session says that it was there.
pub(crate) fn missing(name: &RecordName, place: &str) -> Error {
    let or = or_forget(name.as_str().get(..SHORT).unwrap_or_default(), "begun anew");
    held(MISSING).hint(format!(
        "{place} kept what the account must be spared (its lockout, refused passwords, used codes) and is gone, \
         so nobody signs in to it; bring it back{or}"
    ))
}

fn held(code: &'static str) -> Error {
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_code(code)
}

fn or_forget(id: &str, how: &str) -> String {
    format!(
        ", or, if the account is not locked and its password is right, have it {how} on purpose: `countersign \
         sessions forget {id} --guards`, or Session::forget_guards in a program"
    )
}

/// What a keeper remembers of the guards of accounts beside what its store has.
#[derive(Default)]
pub(crate) struct GuardMemory(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// The records of accounts of which the log was told that they cannot be read.
    told: HashSet<RecordName, ByName>,
    /// What holds a sign-in back, as it was read or written last. Where nothing does, nothing is kept: there may
    /// be a million accounts.
    known: HashMap<RecordName, AccountRecord, ByName>,
    /// What the store has not taken of it.
    owed: HashMap<RecordName, Owed, ByName>,
}

/// Whether forgetting it could cost the account something tomorrow.
fn weighs(record: &AccountRecord) -> bool {
    !record.refused.is_empty() || record.locked_until.is_some() || record.pending_password.is_some()
}

impl Remembered {
    #[must_use]
    fn note(&mut self, name: &RecordName, record: &AccountRecord) -> Option<AccountRecord> {
        self.told.remove(name);
        if weighs(record) {
            self.known.insert(name.clone(), record.clone())
        } else {
            self.known.remove(name)
        }
    }
}

impl GuardMemory {
    /// What the record `name` holds, as far as it could be read. What this process owes it is added; whether there
    /// was anything to add.
    pub(crate) fn note_read(
        &self,
        name: &RecordName,
        read: Result<&mut OnWrite<AccountRecord>, &Error>,
    ) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let record = match read {
            Err(error) => {
                let news = inner.told.insert(name.clone());
                drop(inner);
                if news {
                    tracing::warn!(record = %name, %error, "what an account must be spared cannot be read");
                }
                return false;
            }
            Ok(record) => record,
        };
        let added = inner.owed.get(name).is_some_and(|owed| owed.add_to(record));
        let forgotten = inner.note(name, record);
        drop(inner);
        drop(forgotten);
        added
    }

    /// What was written in the record `name`, with all that this process owes it, or with nothing, on purpose.
    pub(crate) fn note_written(&self, name: &RecordName, record: &AccountRecord) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = inner.owed.remove(name);
        let forgotten = inner.note(name, record);
        drop(inner);
        drop((forgotten, paid));
    }

    /// What is about to be written in the record `name`, and may not come through.
    pub(crate) fn owe(
        &self,
        name: &RecordName,
        refusal: Option<Refusal>,
        locked_until: Option<Timestamp>,
    ) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.owed.entry(name.clone()).or_default().owe(refusal, locked_until);
    }

    /// The same of a new password, which is sent once its write has come through.
    pub(crate) fn owe_password(&self, name: &RecordName, unsent: UnsentPassword) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.owed.entry(name.clone()).or_default().owe_password(unsent);
    }

    /// What it held when it was there.
    pub(crate) fn of(&self, name: &RecordName) -> Option<AccountRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).known.get(name).cloned()
    }
}

impl Flight {
    /// A secret of the account is sent only where it is known what the account must be spared.
    pub(crate) fn check_guards(&self, grant: Grant) -> Result<(), Error> {
        let unreadable = self.records.as_ref().and_then(|records| records.guards_unreadable());
        match (grant, unreadable) {
            (Grant::SignIn { .. } | Grant::Answer, Some(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

impl Records {
    /// What this process remembers of an account whose record is gone, or has not taken all of it, is written again,
    /// under the lock.
    pub(crate) async fn bring_guards_back(
        self,
        cell: &Cell,
        lock: &dyn countersign_core::Lock,
    ) -> Result<Self, Error> {
        let mut records = self;
        if records.guards_are_from_memory() {
            let account = cell.account().digest();
            tracing::warn!(%account, "what an account must be spared was gone, and is written again");
        }
        match records.save_account(cell, Some(lock.fence())).await {
            Ok(Written::Lost) => Self::load(cell).await,
            // What cannot be written is remembered on.
            Ok(Written::Yes) | Err(_) => Ok(records),
        }
    }
}

impl Session {
    /// Sets aside what is remembered of the account in the store: its lockout, refused secrets, used codes,
    /// sign-ins of the day and a new password whose fate is not known. An empty record takes its place. The way
    /// out where that cannot be read (code `guards_unreadable`) or is gone (`guards_missing`); all sessions of the
    /// account share it. Whether there was anything.
    ///
    /// Nothing is sent. Be sure first that the account is not locked and that its secrets are right: the next
    /// sign-in sends them.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the store fails, or a newer program has written it: that one knows more, and is
    /// not overruled. [`ErrorKind::Unsupported`] in a keeper that only reads.
    pub async fn forget_guards(&self) -> Result<bool, Error> {
        let cell = &self.0;
        cell.refuse_to_write("forget_guards")?;
        cell.in_time(2, cell.forget_guards()).await
    }
}

impl Cell {
    async fn forget_guards(&self) -> Result<bool, Error> {
        let sealer = self.shared.sealer().await?;
        let name = sealer.name(&self.account().digest());
        let store = &self.shared.store;
        let lock = self.account_lock().await?;
        let moved = async {
            if let Some(there) = store.load(&name).await? {
                match sealer.open_account(self.account(), there.bytes.expose_bytes()) {
                    Err(error) if error.code() == Some(NEWER) => return Err(error),
                    _ if store.set_aside(&name, there.revision).await? => {}
                    _ => return Ok(false),
                }
            } else if !Records::load(self).await?.misses_guards() {
                return Ok(false);
            }
            // Sessions of the account know that there was one.
            let empty = AccountRecord::default();
            let sealed = sealer.seal_account(self.account(), &empty)?;
            let fence = Some(lock.fence());
            let written = store.commit(&name, Revision::NONE, fence, sealed).await?;
            if matches!(written, Committed::Done(_)) {
                self.shared.guards.note_written(&name, &empty);
            }
            Ok(true)
        };
        let moved = moved.await;
        self.let_go(lock).await;
        // Whoever comes next may look at once.
        let replaced = {
            let mut core = self.core();
            core.looked_at = None;
            core.recalled.take()
        };
        drop(replaced);
        moved
    }
}
