//! The keys of the store, as this keeper knows them: read with the first use, and once more when a record is
//! sealed with one that was added since.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use countersign_core::{Clock, Error, Monotonic, SessionStore};
use countersign_seal::{Readers, RecordFormat, Sealer};

use crate::opener::Opener;
use crate::sync::{Mutex, MutexGuard, OnceCell};

/// A reading of the keys answers for so long: a key that is nowhere must not have every session make a key of a
/// passphrase again and again.
const FRESH: Duration = Duration::from_secs(5);

/// What opens, seals and names the records of a keeper.
pub(crate) struct Keys {
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    /// Which format records are written in.
    pub(crate) format: RecordFormat,
    sealer: OnceCell<Mutex<Arc<Sealer>>>,
    /// For a keeper that only reads: the readers' keys, if it has no others.
    readers: OnceCell<Mutex<Option<Arc<Readers>>>>,
    /// The last reading that a record of an unknown key has caused: one for all who meet such.
    again: Mutex<Arc<OnceCell<Monotonic>>>,
}

impl Keys {
    pub(crate) fn new(store: Arc<dyn SessionStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            format: RecordFormat::default(),
            sealer: OnceCell::new(),
            readers: OnceCell::new(),
            again: Mutex::default(),
        }
    }

    pub(crate) async fn sealer(&self) -> Result<Arc<Sealer>, Error> {
        let made = self.sealer.get_or_try_init(|| async {
            let keys = self.store.seal_keys().await?;
            Sealer::new(keys).map(|sealer| Mutex::new(Arc::new(sealer.writing(self.format))))
        });
        Ok(Arc::clone(&kept(made.await?)))
    }

    /// Whether there are keys for readers beside those that seal, as far as they are known by now.
    pub(crate) fn have_readers(&self) -> bool {
        self.sealer.get().is_some_and(|sealer| kept(sealer).readers().is_some())
    }

    /// What opens the records of a keeper that only reads.
    pub(crate) async fn readers(&self) -> Result<Opener, Error> {
        let readers = self.readers.get_or_try_init(|| async {
            let keys = self.store.seal_keys().await?;
            match keys.sealing() {
                Some(_) => Ok(Mutex::new(None)),
                None => Ok(Mutex::new(Readers::new(&keys)?.map(Arc::new))),
            }
        });
        let readers = kept(readers.await?).clone();
        match readers {
            Some(readers) => Ok(Opener::Readers(readers)),
            None => self.sealer().await.map(Opener::Whole),
        }
    }

    /// Reads the keys again. Whoever comes meanwhile, or a moment later, has the same reading. Keys that give
    /// the records other names are those of another store, and are not taken.
    pub(crate) async fn read_again(&self) -> Result<(), Error> {
        let round = {
            let mut round = kept(&self.again);
            let now = self.clock.monotonic();
            if round.get().is_some_and(|at| now.since(*at) >= FRESH) {
                *round = Arc::default();
            }
            Arc::clone(&round)
        };
        let read = round.get_or_try_init(|| async {
            let keys = self.store.seal_keys().await?;
            if let Some(readers) = self.readers.get()
                && let Some(new) = Readers::new(&keys)?
                && let Some(known) = &mut *kept(readers)
                && known.names_like(&new)
            {
                *known = Arc::new(new);
            }
            if let Some(sealer) = self.sealer.get() {
                let new = Sealer::new(keys)?.writing(self.format);
                let mut known = kept(sealer);
                if known.names_like(&new) {
                    *known = Arc::new(new);
                }
            }
            Ok::<_, Error>(self.clock.monotonic())
        });
        read.await.map(drop)
    }
}

fn kept<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
