//! Where new passwords go besides the store: into the place that the credential source reads.

use std::sync::Arc;

use async_trait::async_trait;
use countersign_core::{AccountKey, Error, ErrorKind, Recovery, SecretString};

use crate::caught::caught;
use crate::cell::Cell;
use crate::flight::Flight;
use crate::publish::panicked;
use crate::reenter::inside;
use crate::wait::{Waited, wait};

/// Takes new passwords: a vault, a keyring, a secrets manager.
///
/// Asked before a change, the confirmation of a forgotten password, or the answer that sets a first
/// password is sent, and again once it is known which password holds: at once after a certain answer,
/// else after the sign-in that finds out. The store keeps an unsettled password in any case; a sink is
/// for who wants it where the source will look.
///
/// It is called with no lock and no mutex held. It has the session's exchange deadline to answer, and
/// must not ask the session itself. The same stage may be told twice, and if the process
/// ends meanwhile the last one not at all.
#[async_trait]
pub trait CredentialSink: Send + Sync {
    /// Hears of a new password of `account`.
    ///
    /// # Errors
    /// At [`PasswordStage::Pending`] an error stops the sending: the operation fails with it, and a
    /// challenge stays open with it as the last error. At [`PasswordStage::Settled`] the provider has
    /// decided already: an error is logged.
    async fn new_password(
        &self,
        account: &AccountKey,
        password: &SecretString,
        stage: PasswordStage,
    ) -> Result<(), Error>;
}

/// How far a new password has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum PasswordStage {
    /// It is about to be sent. Keep the old one too.
    Pending,
    /// It is known which one holds.
    Settled {
        /// The new one; else the old one still does.
        holds: bool,
    },
}

impl Cell {
    /// Gives the sink a password that is about to be sent.
    pub(crate) async fn offer_password(
        &self,
        password: &SecretString,
        operation: &'static str,
    ) -> Result<(), Error> {
        self.tell_sink(password, PasswordStage::Pending).await.map_err(|error| {
            match error.provider() {
                Some(_) => error,
                None => error.at(self.provider.id(), operation),
            }
        })
    }

    /// Tells the sink which password holds.
    pub(crate) async fn settle_password(&self, password: &SecretString, holds: bool) {
        if let Err(error) = self.tell_sink(password, PasswordStage::Settled { holds }).await {
            let (provider, session, kind) = (self.provider.id(), self.digest, error.kind());
            tracing::warn!(%provider, %session, %kind, holds, "the credential sink has not taken which password holds");
        }
    }

    async fn tell_sink(&self, password: &SecretString, stage: PasswordStage) -> Result<(), Error> {
        let Some(sink) = self.settings.sink.as_ref().map(Arc::clone) else { return Ok(()) };
        let clock = &*self.shared.clock;
        let until = clock.monotonic().after(self.exchange_deadline());
        let telling = inside(self, sink.new_password(self.account(), password, stage));
        match wait(clock, caught(telling), until).await {
            Waited::Came(told) => told.unwrap_or_else(|_| Err(panicked("a credential sink"))),
            Waited::Over => Err(Error::new(ErrorKind::Credentials)
                .with_recovery(Recovery::Retry)
                .hint("the credential sink did not answer in time")),
        }
    }
}

impl Flight {
    /// An answer that sets a password: the sink has it before the lock is taken.
    pub(crate) async fn offer_answered_password(&mut self) -> Result<(), Error> {
        let answers = self.cell.core().answers.as_deref().cloned();
        let Some(password) = answers.and_then(|given| given.get("new_password").cloned()) else {
            return Ok(());
        };
        self.cell.offer_password(&password, "answer").await?;
        self.offered = Some(password);
        Ok(())
    }

    /// Tells the sink what this exchange has shown. The lock is free again.
    pub(crate) async fn tell_settled_password(&mut self) {
        // What was offered and never sent is not set.
        let unsent = self.offered.take().filter(|_| self.sent.is_none());
        let settled = self.settled.take().or(unsent.map(|password| (password, false)));
        if let Some((password, holds)) = settled {
            self.cell.settle_password(&password, holds).await;
        }
    }
}
