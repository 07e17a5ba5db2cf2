//! What an account must be spared, where it cannot be read: nobody signs in to the account then, and what
//! is there of its sessions is used and renewed. Only a person can know whether it may be forgotten.

use std::sync::PoisonError;

use countersign_core::session::Grant;
use countersign_core::{Error, ErrorKind, RecordName, Recovery};

use crate::cell::Cell;
use crate::flight::Flight;
use crate::session::Session;
use crate::shared::Shared;

/// The code of an account's record that cannot be read.
const UNREADABLE: &str = "guards_unreadable";

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
            ("was written by a newer version".to_owned(), "upgrade this program".to_owned())
        }
        _ => ("cannot be read".to_owned(), why.hint_text().to_owned()),
    };
    // Nobody overrules what a newer program knows.
    let or = match why.code() {
        Some(NEWER) => String::new(),
        _ => format!(
            ", or, if the account is not locked and its password is right, have it set aside on purpose: \
             `countersign sessions forget {id} --guards`, or Session::forget_guards in a program"
        ),
    };
    Error::new(ErrorKind::Store).with_recovery(Recovery::GiveUp).with_code(UNREADABLE).hint(format!(
        "{place} keeps what the account must be spared (its lockout, refused passwords, used codes) and \
         {what}, so nobody signs in to it; {helps}{or}"
    ))
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

impl Shared {
    /// Tells the log once that the account's record `name` cannot be read, and once more if that comes again.
    pub(crate) fn note_guards(&self, name: &RecordName, unreadable: Option<&Error>) {
        let mut told = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        match unreadable {
            Some(error) if told.insert(name.clone()) => {
                drop(told);
                tracing::warn!(record = %name, %error, "what an account must be spared cannot be read");
            }
            None if !told.is_empty() => drop(told.remove(name)),
            _ => {}
        }
    }
}

impl Session {
    /// Sets aside what is remembered of the account in the store: its lockout, refused secrets, used codes,
    /// sign-ins of the day and a new password whose fate is not known. The way out where that cannot be read
    /// (code `guards_unreadable`); all sessions of the account share it. Whether there was anything.
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
            let Some(there) = store.load(&name).await? else { return Ok(false) };
            match sealer.open_account(self.account(), there.bytes.expose_bytes()) {
                Err(error) if error.code() == Some(NEWER) => Err(error),
                _ => store.set_aside(&name, there.revision).await,
            }
        };
        let moved = moved.await;
        self.let_go(lock).await;
        // Whoever comes next may look at once.
        self.core().looked_at = None;
        moved
    }
}
