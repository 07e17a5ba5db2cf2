//! Tokens of an answer that came too late are revoked; best effort.

use std::sync::Arc;

use countersign_core::{Operation, RevokeSupport, TokenSet};

use crate::cell::Cell;
use crate::exchange::Exchange;

/// Revokes `tokens` in a task of its own. They were never handed out.
pub(crate) fn revoke_late(cell: &Arc<Cell>, tokens: TokenSet) {
    if cell.provider.capabilities().revoke == RevokeSupport::None {
        return;
    }
    let shared = Arc::clone(&cell.shared);
    let cell = Arc::clone(cell);
    shared.spawn(async move {
        let found = cell.current_credentials().await;
        let credentials = found.unwrap_or_else(|_| cell.bare_credentials());
        let exchange = Exchange {
            cell: &cell,
            credentials: &credentials,
            tokens: Some(&tokens),
            memo: Default::default(),
            now: cell.server_now(),
        };
        if let Err(ill) = exchange.run(Operation::Revoke).await {
            let (provider, session, kind) = (cell.provider.id(), cell.digest, ill.error.kind());
            tracing::debug!(%provider, %session, %kind, "late tokens could not be revoked");
        }
    });
}
