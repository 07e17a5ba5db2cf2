//! All records of a store under its newest key.

use countersign_core::{Committed, Error, ErrorKind, RecordName, Recovery, SessionStore};

use crate::header::SealedFacts;
use crate::sealer::Sealer;

/// The kinds of record that the store's own keys seal; a readers' key is none of them.
const OWN_KINDS: [u8; 2] = [1, 2];

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
/// A process that runs reads the keys again when it meets what is sealed with a new one. So that it finds it, the
/// new key is put *behind* the old one wherever keys are kept, and then in front.
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

/// The records of `store` that the key `id` seals, or may seal since they cannot be read or name a key that the store
/// does not have, each with the reason. If there are none, that key may go, unless it seals what is written now or has the lowest id: that one names the
/// records.
///
/// What a record says of its key is believed without being opened. A program that has not met a record of a newer
/// key yet may still seal a new session with the old one.
///
/// # Errors
/// [`ErrorKind::Store`] if the keys cannot be had or the store cannot be listed.
pub async fn needing(
    store: &dyn SessionStore,
    id: u32,
) -> Result<Vec<(RecordName, &'static str)>, Error> {
    let known: Vec<u32> = store.seal_keys().await?.ids().collect();
    let mut needing = Vec::new();
    for name in store.list().await? {
        let why = match store.load(&name).await {
            Ok(None) => continue,
            Err(_) => "cannot be read",
            Ok(Some(record)) => match SealedFacts::of(record.bytes.expose_bytes()) {
                Ok(facts) if !OWN_KINDS.contains(&facts.kind) => continue,
                Ok(facts) if facts.key == id => "sealed with it",
                // A bit may have flipped there.
                Ok(facts) if !known.contains(&facts.key) => "of a key that is not known",
                Ok(_) => continue,
                Err(error) if error.code() == Some("damaged") => "damaged",
                Err(_) => "cannot be read",
            },
        };
        needing.push((name, why));
    }
    Ok(needing)
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
