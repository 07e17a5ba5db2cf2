//! The adapter's own facts, kept also where an operation brings no tokens.

use countersign_core::{Error, ErrorKind, Memo, MemoPatch};

use crate::cell::Cell;
use crate::prepare::lease;
use crate::records::{Records, Written};

impl Cell {
    /// Writes what an operation has changed in the memo. The operation itself has come about: a store
    /// that fails is told to the log and undoes nothing.
    pub(crate) async fn keep_facts(&self, before: &Memo, after: &Memo) {
        let news = news(before, after);
        if news.is_empty() {
            return;
        }
        if let Err(error) = self.in_time(2, self.write_facts(news)).await {
            let (provider, session) = (self.provider.id(), self.digest);
            tracing::warn!(%provider, %session, %error, "what an operation told was not written down");
        }
    }

    async fn write_facts(&self, news: MemoPatch) -> Result<(), Error> {
        let sealer = self.shared.sealer().await?;
        let name = sealer.name(&self.account().digest());
        let lease = lease(self.exchange_deadline());
        // Under the lock no exchange is between its reading and its writing.
        let lock = self.shared.store.lock(&name, lease, lease).await?;
        let written = async {
            let mut records = Records::load(self).await?;
            records.session.memo.apply(news);
            records.save_session(self, Some(lock.fence())).await
        };
        let written = written.await;
        self.let_go(lock).await;
        match written? {
            Written::Yes => Ok(()),
            Written::Lost => Err(Error::new(ErrorKind::Store)),
        }
    }
}

/// What makes `after` of `before`.
fn news(before: &Memo, after: &Memo) -> MemoPatch {
    let mut patch = MemoPatch::none();
    for (name, value) in after.iter() {
        if before.get(name).is_none_or(|known| !known.matches(value)) {
            patch = patch.set(name, value.clone());
        }
    }
    for (name, _) in before.iter().filter(|(name, _)| after.get(name).is_none()) {
        patch = patch.forget(name);
    }
    patch
}
