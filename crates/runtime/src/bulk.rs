//! Opening many sessions of one provider value, with few calls of the store.

use std::sync::Arc;

use countersign_core::{AuthProvider, Error};

use crate::builder::SessionBuilder;
use crate::cell::Cell;
use crate::keeper::Keeper;
use crate::readers_copy;
use crate::records::Records;
use crate::session::Session;
use crate::watch;

/// So many records are read in one call; each session has two.
const BATCH: usize = 512;

impl Keeper {
    /// Opens the sessions of many accounts as [`SessionBuilder::open`] would, each described by
    /// `describe`, in the order of `identities`. The records are read in batches. What a keeper holds of
    /// an idle session is little more than its tokens, as long as the sessions share their provider
    /// value and their source of credentials
    /// ([`SessionBuilder::credentials_from`]).
    ///
    /// A source is asked for the credentials of the first account alone, to see whether it has what the
    /// provider needs, unless every request needs a code; the others are asked for when they are needed.
    ///
    /// ```no_run
    /// # use std::sync::Arc;
    /// # use countersign_core::{AuthProvider, CredentialSource, Error};
    /// # use countersign_runtime::{Keeper, Session};
    /// async fn open(
    ///     keeper: &Keeper,
    ///     provider: Arc<dyn AuthProvider>,
    ///     source: Arc<dyn CredentialSource>,
    ///     names: &[String],
    /// ) -> Result<Vec<Session>, Error> {
    ///     let describe = |session: countersign_runtime::SessionBuilder| {
    ///         session.credentials_from(Arc::clone(&source)).keep_alive()
    ///     };
    ///     keeper.open_many(provider, names, describe).await
    /// }
    /// ```
    ///
    /// # Errors
    /// See [`SessionBuilder::open`]. The first error ends it; what was opened before is dropped.
    pub async fn open_many<I>(
        &self,
        provider: Arc<dyn AuthProvider>,
        identities: impl IntoIterator<Item = I>,
        describe: impl Fn(SessionBuilder) -> SessionBuilder,
    ) -> Result<Vec<Session>, Error>
    where
        I: AsRef<str>,
    {
        let asks_all = provider.capabilities().code_per_request.is_some();
        let mut opened = Vec::new();
        let mut batch: Vec<Opening> = Vec::with_capacity(BATCH / 2);
        for identity in identities {
            let builder = describe(self.session_of(Arc::clone(&provider), identity.as_ref()));
            let first = opened.is_empty() && batch.is_empty();
            let found = if asks_all || first { builder.checked().await? } else { None };
            batch.push((builder.into_cell()?, found));
            if batch.len() == BATCH / 2 {
                self.read(&mut batch, &mut opened).await?;
            }
        }
        self.read(&mut batch, &mut opened).await?;
        watch::ensure(&self.0);
        Ok(opened)
    }

    /// Takes up what the store holds of a batch.
    async fn read(&self, batch: &mut Vec<Opening>, opened: &mut Vec<Session>) -> Result<(), Error> {
        let cells: Vec<&Cell> = batch.iter().map(|(cell, _)| &**cell).collect();
        let Some(first) = cells.first() else { return Ok(()) };
        let records = first.in_time(1, Records::load_all(&cells)).await?;
        let read = batch.iter().map(|(cell, _)| cell).zip(&records);
        readers_copy::look_after(&self.0, read);
        for ((cell, found), records) in batch.drain(..).zip(records) {
            if let Some(credentials) = &found {
                cell.remember_codes(credentials, &records.session.memo);
            }
            cell.observe(&records);
            opened.push(Session(cell));
        }
        Ok(())
    }
}

type Opening = (Arc<Cell>, Option<countersign_core::Credentials>);
