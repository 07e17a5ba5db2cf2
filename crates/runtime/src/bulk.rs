//! Opening many sessions of one provider value, with few calls of the store.

use std::sync::Arc;

use countersign_core::{AuthProvider, Credentials, Error, ErrorKind};

use crate::builder::SessionBuilder;
use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::obtain::closed;
use crate::readers_copy;
use crate::records::Records;
use crate::session::Session;
use crate::sync::yield_now;
use crate::watch;

/// The records of so many accounts are read in one call; each has two.
pub(crate) const BATCH: usize = 256;

impl Keeper {
    /// Opens the sessions of many accounts as [`SessionBuilder::open`] would, each described by
    /// `describe`; what came of each stands at the place of its identity. An account whose record cannot be
    /// read, or whose credentials cannot be had, has its own error and costs the others nothing.
    ///
    /// The records are read 256 accounts at a time, and after each batch whatever else is ready on the
    /// thread goes first. [`crate::Figures::bulk_opened`] and [`crate::Figures::bulk_failed`] tell meanwhile
    /// how far it is. What a keeper holds of an idle session is little more than its tokens, as long as the
    /// sessions share their provider value and their source of credentials
    /// ([`SessionBuilder::credentials_from`]).
    ///
    /// A source is asked until it has for one account what the provider needs; for the others it is asked
    /// when that is needed. Where every request needs a code it is asked for each.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use countersign_core::{AuthProvider, CredentialSource, Error};
    /// # use countersign_runtime::{Keeper, Session, SessionBuilder};
    /// async fn open(
    ///     keeper: &Keeper,
    ///     provider: Arc<dyn AuthProvider>,
    ///     source: Arc<dyn CredentialSource>,
    ///     names: &[String],
    /// ) -> Result<Vec<Session>, Error> {
    ///     let describe =
    ///         |session: SessionBuilder| session.credentials_from(Arc::clone(&source)).keep_alive();
    ///     let opened = keeper.open_many(provider, names, describe).await?;
    ///     for (name, error) in names.iter().zip(&opened).filter_map(|(n, o)| Some((n, o.as_ref().err()?))) {
    ///         eprintln!("{name} was not opened: {error}");
    ///     }
    ///     Ok(opened.into_iter().flatten().collect())
    /// }
    /// ```
    ///
    /// # Errors
    /// Of one account: see [`SessionBuilder::open`]. Of the whole, and then what was opened before is dropped:
    /// [`ErrorKind::Configuration`] if the keeper was shut down; [`ErrorKind::Store`] if the store does not
    /// answer, fails in a way that may pass, or gives not one record of 256 accounts; and the source's error
    /// if it has nothing for any of 256 accounts in one batch. Nothing is lost by that: call it again.
    pub async fn open_many<I>(
        &self,
        provider: Arc<dyn AuthProvider>,
        identities: impl IntoIterator<Item = I>,
        describe: impl Fn(SessionBuilder) -> SessionBuilder,
    ) -> Result<Vec<Result<Session, Error>>, Error>
    where
        I: AsRef<str>,
    {
        let mut asks = true;
        let asks_all = provider.capabilities().code_per_request.is_some();
        let mut opened = Vec::new();
        let mut batch: Vec<Opening> = Vec::with_capacity(BATCH);
        for identity in identities {
            if self.0.is_closed() {
                return Err(closed());
            }
            let builder = describe(self.session_of(Arc::clone(&provider), identity.as_ref()));
            let found = if asks { builder.checked().await } else { Ok(None) };
            asks = asks_all || (asks && found.is_err());
            batch.push(match found {
                Ok(found) => Ok((builder.into_cell()?, found)),
                Err(error) => Err(error),
            });
            if batch.len() == BATCH {
                self.read(&mut batch, &mut opened).await?;
                yield_now().await;
            }
        }
        self.read(&mut batch, &mut opened).await?;
        watch::ensure(&self.0);
        Ok(opened)
    }

    /// Takes up what the store holds of a batch.
    async fn read(
        &self,
        batch: &mut Vec<Opening>,
        opened: &mut Vec<Result<Session, Error>>,
    ) -> Result<(), Error> {
        let cells: Vec<&Cell> = batch.iter().flatten().map(|(cell, _)| &**cell).collect();
        let records = match (cells.first(), batch.first()) {
            (Some(first), _) => first.in_time(1, Records::load_all(&cells)).await?,
            (None, Some(Err(error))) if batch.len() == BATCH => return Err(error.clone()),
            (None, _) => Vec::new(),
        };
        let read = batch.iter().flatten().map(|(cell, _)| cell).zip(&records);
        let read = read.filter_map(|(cell, records)| Some((cell, records.as_ref().ok()?)));
        readers_copy::look_after(&self.0, read);
        let (mut records, first) = (records.into_iter(), opened.len());
        for opening in batch.drain(..) {
            opened.push(opening.and_then(|(cell, found)| {
                let missing = || Err(Error::new(ErrorKind::Internal));
                let records = records.next().unwrap_or_else(missing)?;
                if let Some(credentials) = &found {
                    cell.remember_codes(credentials, &records.session.memo);
                }
                cell.observe(&records);
                Ok(Session(cell))
            }));
        }
        self.0.figures.opened_many(&opened[first..]);
        Ok(())
    }
}

/// An account whose credentials are at hand where they were asked for.
type Opening = Result<(Arc<Cell>, Option<Credentials>), Error>;
