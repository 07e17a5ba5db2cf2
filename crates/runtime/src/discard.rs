//! Tokens of an answer that came too late, and those that a sign-in by name has replaced, are revoked;
//! best effort, once, within the deadline of an exchange.

use std::sync::Arc;

use countersign_core::{Operation, RevokeSupport, TokenSet};
use countersign_scheduler::Settled;

use crate::cell::Cell;
use crate::exchange::{Exchange, Ill};
use crate::operations::Landing;

/// Revokes `tokens` in a task of its own. Nobody is handed them any more.
pub(crate) fn revoke_late(cell: &Arc<Cell>, tokens: TokenSet) {
    if cell.provider.capabilities().revoke == RevokeSupport::None {
        return;
    }
    let shared = Arc::clone(&cell.shared);
    let cell = Arc::clone(cell);
    // A keeper that shuts down waits for this too.
    shared.took_off();
    let landing = Landing(Arc::clone(&shared));
    let revoking = async move {
        let credentials = cell.credentials_or_bare().await;
        let until = cell.shared.clock.monotonic().after(cell.exchange_deadline());
        let Ok(permit) = cell.leave(until).await else {
            let (provider, session) = (cell.provider.id(), cell.digest);
            tracing::debug!(%provider, %session, "there was no leave to revoke late tokens");
            return;
        };
        let exchange = Exchange {
            cell: &cell,
            credentials: &credentials,
            tokens: Some(&tokens),
            memo: Default::default(),
            now: cell.server_now(),
            within: cell.exchange_deadline(),
            lock: None,
        };
        let end = exchange.run(Operation::Revoke).await;
        if let Some(permit) = permit {
            let how = end.as_ref().map_or_else(Ill::settled, |_| Settled::Answered);
            let now = cell.shared.clock.monotonic();
            cell.shared.admission().settle(permit, how, now);
        }
        if let Err(ill) = end {
            let (provider, session, kind) = (cell.provider.id(), cell.digest, ill.error.kind());
            tracing::debug!(%provider, %session, %kind, "late tokens could not be revoked");
        }
    };
    let spawner = Arc::clone(&shared);
    spawner.spawn(async move {
        let _landing = landing;
        shared.unless_given_up(revoking).await;
    });
}
