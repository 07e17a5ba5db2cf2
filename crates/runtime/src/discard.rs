//! Tokens of an answer that came too late, and those that a sign-in by name has replaced, are revoked;
//! best effort, once, within the deadline of an exchange.

use std::sync::Arc;

use countersign_core::{Operation, RevokeSupport, TokenSet};

use crate::cell::Cell;
use crate::exchange::Exchange;
use crate::operations::Landing;
use crate::wait::{Waited, wait};

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
    shared.spawn(async move {
        let _landing = landing;
        let until = cell.shared.clock.monotonic().after(cell.exchange_deadline());
        let found = wait(&*cell.shared.clock, cell.credentials_or_bare(), until).await;
        let Waited::Came(credentials) = found else { return };
        let exchange = Exchange {
            cell: &cell,
            credentials: &credentials,
            tokens: Some(&tokens),
            memo: Default::default(),
            now: cell.server_now(),
            lock: None,
        };
        if let Err(ill) = exchange.run(Operation::Revoke).await {
            let (provider, session, kind) = (cell.provider.id(), cell.digest, ill.error.kind());
            tracing::debug!(%provider, %session, %kind, "late tokens could not be revoked");
        }
    });
}
