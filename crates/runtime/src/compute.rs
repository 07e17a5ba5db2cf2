//! Building a request: at once, or where it takes milliseconds of arithmetic, on a thread that may be busy.

use std::sync::Arc;

use countersign_core::http::HttpRequest;
use countersign_core::{
    Ambient, AuthProvider, Credentials, Error, Memo, Operation, Seed, Timestamp, TokenSet,
};

use crate::publish::{guarded, panicked};
use crate::sync::Handle;

/// All that a request is built of, in hands of its own. Every secret in it is shared, not copied, and
/// goes when the request is built.
struct Material {
    provider: Arc<dyn AuthProvider>,
    operation: Operation,
    now: Timestamp,
    seed: Seed,
    credentials: Credentials,
    tokens: Option<TokenSet>,
    memo: Memo,
}

/// Builds the request of `operation`; a panic becomes [`countersign_core::ErrorKind::Internal`].
pub(crate) async fn build(
    provider: &Arc<dyn AuthProvider>,
    operation: &Operation,
    ambient: &Ambient<'_>,
) -> Result<HttpRequest, Error> {
    if !guarded(|| Ok(provider.computes(operation)))? {
        return guarded(|| provider.request(operation, ambient));
    }
    let Ok(runtime) = Handle::try_current() else {
        return guarded(|| provider.request(operation, ambient));
    };
    let material = Material {
        provider: Arc::clone(provider),
        operation: operation.clone(),
        now: ambient.now,
        seed: ambient.seed.clone(),
        credentials: ambient.credentials.clone(),
        tokens: ambient.tokens.cloned(),
        memo: ambient.memo.clone(),
    };
    let built = runtime.spawn_blocking(move || material.request()).await;
    built.unwrap_or_else(|_| Err(panicked("an adapter")))
}

impl Material {
    fn request(&self) -> Result<HttpRequest, Error> {
        let ambient = Ambient {
            now: self.now,
            seed: &self.seed,
            credentials: &self.credentials,
            tokens: self.tokens.as_ref(),
            memo: &self.memo,
        };
        guarded(|| self.provider.request(&self.operation, &ambient))
    }
}
