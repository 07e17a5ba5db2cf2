//! A source of credentials, or a lock, that is silent: what waits for it ends, and holds nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{PASSWORD, Plain, World, at_once, ended, seconds, settle};
use async_trait::async_trait;
use countersign_core::session::Status;
use countersign_core::{
    AccountKey, CredentialSource, Credentials, Error, ErrorKind, Fence, Lock, Operation,
    RecordName, RefreshSupport, SecretString, SessionStore,
};
use countersign_runtime::{MemoryStore, Session, SignOutOutcome};
use countersign_seal::suite::{Over, Through};

/// A vault in a network, which may hang.
#[derive(Clone, Debug, Default)]
struct Vault(Arc<AtomicBool>);

#[async_trait]
impl CredentialSource for Vault {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(Credentials::password("kim", PASSWORD.to_owned()))
    }
}

async fn signed_in(world: &World) -> (Session, Vault) {
    let vault = Vault::default();
    let keeper = world.keeper();
    let described = keeper.session(world.provider.clone(), "kim").credentials(vault.clone());
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    (session, vault)
}

#[tokio::test]
async fn f28_f41_a_sign_out_does_not_wait_for_ever_for_a_source_that_hangs() {
    let world = World::new();
    let (session, vault) = signed_in(&world).await;
    vault.0.store(true, Ordering::SeqCst);
    let leaving = session.clone();
    let leaving = tokio::spawn(async move { leaving.sign_out(seconds(60)).await });
    settle().await;
    world.pass(seconds(60)).await;
    assert_eq!(ended(leaving).await, SignOutOutcome::Revoked);
    assert_eq!((session.state(), world.server.count("revoke")), (Status::SignedOut, 1));
    // The account's lock is free again.
    let next = world.session().await;
    at_once(async move { next.sign_in().await.map(drop) }).await.unwrap();
}

#[tokio::test]
async fn f12_an_operation_does_not_wait_for_ever_for_a_source_that_hangs() {
    let world = World::new();
    let (session, vault) = signed_in(&world).await;
    vault.0.store(true, Ordering::SeqCst);
    let new_password = SecretString::new("canary-new-password");
    let change = Operation::ChangePassword { new_password };
    let asking = session.clone();
    let asking = tokio::spawn(async move { asking.perform(change).await.map(drop) });
    settle().await;
    world.pass(seconds(60)).await;
    assert_eq!(ended(asking).await.unwrap_err().kind(), ErrorKind::Credentials);
    assert_eq!(world.server.count("change_password"), 0);
}

/// A store whose locks run down at once, and never say that they are longer.
#[derive(Clone)]
struct Worn(MemoryStore, Arc<AtomicBool>);

#[async_trait]
impl Over for Worn {
    fn below(&self) -> &dyn SessionStore {
        &self.0
    }

    async fn lock(
        &self,
        name: &RecordName,
        lease: Duration,
        wait: Duration,
    ) -> Result<Box<dyn Lock>, Error> {
        let lock = self.0.lock(name, lease, wait).await?;
        Ok(if self.1.load(Ordering::SeqCst) { Box::new(RunDown(lock)) } else { lock })
    }
}

struct RunDown(Box<dyn Lock>);

#[async_trait]
impl Lock for RunDown {
    fn fence(&self) -> Fence {
        self.0.fence()
    }

    fn held_for(&self, _: Duration) -> bool {
        false
    }

    async fn renew(&mut self, _: Duration) -> bool {
        std::future::pending().await
    }

    async fn release(self: Box<Self>) {
        self.0.release().await;
    }
}

#[tokio::test]
async fn f12_f27_a_lock_that_is_never_renewed_does_not_hold_the_session_for_ever() {
    let refresh = RefreshSupport::Rotating { grace: seconds(0) };
    let world = World::of(Plain::default().refreshing(refresh));
    let worn = Worn(world.store.clone(), Arc::default());
    let keeper = world.keeper_builder().store(Through(worn.clone())).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    session.authorization().await.unwrap();
    worn.1.store(true, Ordering::SeqCst);
    let asking = session.clone();
    tokio::spawn(async move { asking.refresh().await.map(drop) });
    settle().await;
    assert_eq!(session.state(), Status::Refreshing);
    worn.1.store(false, Ordering::SeqCst);
    world.pass(seconds(300)).await;
    assert_eq!((session.state(), world.server.count("refresh")), (Status::Active, 1));
}
