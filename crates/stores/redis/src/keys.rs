//! The seal keys, from where the user has them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{Clock, Error, Monotonic, SealKeys};
use countersign_seal::KeySource;

/// A source that has failed is left alone for so long: every session of a keeper that starts asks for the keys.
const PATIENCE: Duration = Duration::from_secs(1);

/// The source, asked anew for every reading.
pub(crate) struct Keys {
    source: Arc<dyn KeySource>,
    failed: Mutex<Option<(Monotonic, Error)>>,
}

impl Keys {
    pub(crate) fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, failed: Mutex::default() }
    }

    pub(crate) async fn read(&self, clock: &dyn Clock) -> Result<SealKeys, Error> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, error)) = failed
            && clock.monotonic().since(at) < PATIENCE
        {
            return Err(error);
        }
        let read = self.source.seal_keys().await;
        let failed = read.as_ref().err().map(|error| (clock.monotonic(), error.clone()));
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
        read
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use countersign_core::{ErrorKind, SecretBytes};
    use countersign_runtime::ManualClock;

    use super::*;

    #[tokio::test]
    async fn a_source_that_fails_is_left_alone_for_a_second_and_one_that_answers_is_asked_each_time()
     {
        let (clock, n_asked) = (ManualClock::default(), Arc::new(AtomicU32::new(0)));
        let asked = Arc::clone(&n_asked);
        let keys = Keys::new(Arc::new(move || match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::new(ErrorKind::Store).with_code("canary_down")),
            n => Ok(SealKeys::new(n, SecretBytes::new(vec![7; 32]))),
        }));
        for _ in 0..100 {
            assert_eq!(keys.read(&clock).await.unwrap_err().code(), Some("canary_down"));
        }
        assert_eq!(n_asked.load(Ordering::SeqCst), 1);
        clock.advance(PATIENCE);
        for n in 1..3 {
            let read = keys.read(&clock).await.unwrap();
            assert_eq!(read.sealing().map(|(id, _)| id), Some(n));
        }
    }
}
