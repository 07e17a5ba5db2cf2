//! Somebody else's code in the sources of errors, which does as it likes when it goes.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use crate::common::{PASSWORD, World};
use async_trait::async_trait;
use countersign_core::{AccountKey, CredentialSource, Credentials, Error, ErrorKind};
use countersign_runtime::Session;

/// The session, once it is there, and how many errors have looked at it when they went.
#[derive(Clone, Default)]
struct Seen(Arc<OnceLock<Session>>, Arc<AtomicU32>);

/// Asks the session how it is when it goes.
struct Nosy(Seen);

impl Drop for Nosy {
    fn drop(&mut self) {
        if let Some(session) = self.0.0.get() {
            drop(session.status());
            self.0.1.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nosy")
    }
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosy")
    }
}

impl std::error::Error for Nosy {}

/// Has nothing for the first few.
struct Failing(Seen, AtomicU32);

#[async_trait]
impl CredentialSource for Failing {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        let left = self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        match left {
            Ok(_) => Err(Error::new(ErrorKind::Credentials).with_source(Nosy(self.0.clone()))),
            Err(_) => Ok(Credentials::password("kim", PASSWORD.to_owned())),
        }
    }
}

#[test]
fn f26_what_replaces_or_ends_an_error_drops_it_when_no_lock_is_held() {
    let (done, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let dropped = runtime.block_on(async {
            let (world, seen) = (World::new(), Seen::default());
            let source = Failing(seen.clone(), AtomicU32::new(0));
            let source = Arc::new(source);
            let described = world.keeper().session(world.provider.clone(), "kim");
            let session = described.credentials_from(source.clone()).open().await.unwrap();
            assert!(seen.0.set(session.clone()).is_ok());
            source.1.store(2, Ordering::SeqCst);
            for _ in 0..2 {
                let failed = session.sign_in().await.map(drop).unwrap_err();
                assert_eq!(failed.kind(), ErrorKind::Credentials);
            }
            session.sign_in().await.unwrap();
            assert!(session.status().last_error.is_none());
            seen.1.load(Ordering::SeqCst)
        });
        done.send(dropped).unwrap();
    });
    let dropped = heard.recv_timeout(Duration::from_secs(20));
    assert_eq!(dropped, Ok(2), "an error that goes waits for a lock that is held while it does");
}
