//! All records of a store under its newest key.

use countersign_core::{Committed, Error, ErrorKind, RecordName, Recovery, SessionStore};

use crate::sealer::Sealer;

/// How often a record may be written by somebody else before it is left for the next run.
const TRIES: u32 = 16;

/// What became of the records of a store.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resealed {
    /// How many were sealed anew.
    pub anew: usize,
    /// How many the newest key sealed already.
    pub already: usize,
    /// Those that were left as they are, and why.
    pub left: Vec<(RecordName, Error)>,
}

impl Resealed {
    /// Whether the newest key seals every record: then no other is needed, but the one with the lowest id,
    /// which names the records.
    pub const fn is_complete(&self) -> bool {
        self.left.is_empty()
    }
}

/// Seals every record of `store` with the key that seals now, each by compare and swap, so that sessions may
/// be used meanwhile: what another process writes at the same time is sealed with the newest key by itself if
/// that process has read the keys since, and is sealed anew here if not.
///
/// No lock is taken, since nothing in a record changes. A process that dies in the middle leaves some records
/// under the old key, which still opens them; a second run does the rest. Records that do not open (damage, an
/// unknown key, a newer version, format 1) are left as they are and named.
///
/// Processes that were started before the new key was there cannot open what is sealed with it: restart them
/// first, with the new key *behind* the old one, then put it in front.
///
/// # Errors
/// [`ErrorKind::Store`] if the store cannot be listed.
pub async fn reseal(store: &dyn SessionStore, sealer: &Sealer) -> Result<Resealed, Error> {
    let mut done = Resealed::default();
    for name in store.list().await? {
        match one(store, sealer, &name).await {
            Ok(End::Anew) => done.anew += 1,
            Ok(End::Already) => done.already += 1,
            Ok(End::Gone) => {}
            Err(error) => done.left.push((name, error)),
        }
    }
    Ok(done)
}

enum End {
    Anew,
    Already,
    Gone,
}

async fn one(store: &dyn SessionStore, sealer: &Sealer, name: &RecordName) -> Result<End, Error> {
    let mut found = store.load(name).await?;
    for _ in 0..TRIES {
        let Some(record) = found else { return Ok(End::Gone) };
        let Some(anew) = sealer.reseal(name, record.bytes.expose_bytes())? else {
            return Ok(End::Already);
        };
        match store.commit(name, record.revision, None, anew).await? {
            Committed::Done(_) => return Ok(End::Anew),
            Committed::Lost(winner) => found = winner,
        }
    }
    Err(Error::new(ErrorKind::Store)
        .with_recovery(Recovery::Retry)
        .with_code("busy")
        .hint("the record is written again and again; try again"))
}
