//! File operations off the async threads.

use countersign_core::{Error, ErrorKind};

/// Runs `work` on a blocking thread. It runs to its end even if the caller goes away.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(lost) if lost.is_panic() => Err(Error::new(ErrorKind::Internal)),
        Err(_) => Err(Error::new(ErrorKind::Store).hint("the runtime is shutting down")),
    }
}
