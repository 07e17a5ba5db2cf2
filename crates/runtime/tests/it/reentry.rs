//! Code that an exchange waits for and that asks the same session hears so at once.

use std::sync::{Arc, Mutex, OnceLock};

use crate::common::{Server, World, seconds, settle, shown};
use async_trait::async_trait;
use countersign_core::http::{HttpRequest, HttpResponse};
use countersign_core::transport::TransportError;
use countersign_core::{
    AccountKey, Clock, CredentialSource, Credentials, Error, ErrorKind, HttpTransport, Operation,
    SecretString,
};
use countersign_runtime::{CredentialSink, PasswordStage, Session, SignOutOutcome};

/// Asks the session that it serves, in every way that waits.
#[derive(Clone, Default)]
struct Asking {
    session: Arc<OnceLock<Session>>,
    met: Arc<Mutex<Vec<Option<ErrorKind>>>>,
}

impl Asking {
    async fn ask(&self) {
        let Some(session) = self.session.get() else { return };
        let mut met = vec![
            session.authorization().await.map(drop),
            session.refresh().await.map(drop),
            session.sign_in().await.map(drop),
            session.sign_in_with(Credentials::password("kim", "canary".to_owned())).await.map(drop),
            session.perform(Operation::WhoAmI).await.map(drop),
        ];
        // Whether or not there is anything to wait for, it does not wait.
        session.close(seconds(60)).await;
        let met = met.drain(..).map(|end| end.err().map(|error| error.kind()));
        self.met.lock().unwrap().extend(met);
    }

    fn met(&self) -> Vec<Option<ErrorKind>> {
        std::mem::take(&mut *self.met.lock().unwrap())
    }
}

const REFUSED: [Option<ErrorKind>; 5] = [Some(ErrorKind::Configuration); 5];

#[async_trait]
impl CredentialSource for Asking {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        self.ask().await;
        Ok(Credentials::password("kim", crate::common::PASSWORD.to_owned()))
    }
}

#[async_trait]
impl CredentialSink for Asking {
    async fn new_password(
        &self,
        _: &AccountKey,
        _: &SecretString,
        _: PasswordStage,
    ) -> Result<(), Error> {
        self.ask().await;
        Ok(())
    }
}

struct Through(Server, Asking);

#[async_trait]
impl HttpTransport for Through {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.1.ask().await;
        self.0.send(request).await
    }
}

#[tokio::test]
async fn f25_a_source_that_asks_its_own_session_hears_so_at_once() {
    let world = World::new();
    let asking = Asking::default();
    let keeper = world.keeper();
    let described = keeper.session(world.provider.clone(), "kim").credentials(asking.clone());
    let session = described.open().await.unwrap();
    asking.session.set(session.clone()).unwrap();
    let before = world.clock.now();
    session.authorization().await.unwrap();
    assert_eq!(asking.met(), REFUSED);
    assert_eq!(shown(&session).as_deref(), Some("canary-access-1"));
    // While a good token is renewed, it is handed out to the source as to everybody.
    session.refresh().await.unwrap();
    assert_eq!(asking.met()[..2], [None, REFUSED[0]]);
    assert_eq!((world.clock.now(), world.server.total()), (before, 2));
}

#[tokio::test]
async fn f25_a_transport_that_asks_the_session_it_sends_for_hears_so_at_once() {
    let world = World::new();
    let asking = Asking::default();
    let through = Through(world.server.clone(), asking.clone());
    let keeper = world.keeper_builder().transport(through).build().unwrap();
    let session = world.described(&keeper).open().await.unwrap();
    asking.session.set(session.clone()).unwrap();
    session.authorization().await.unwrap();
    assert_eq!(asking.met(), REFUSED);
    assert_eq!(world.server.total(), 1);
}

#[tokio::test]
async fn f25_a_sink_that_asks_its_own_session_hears_so_at_once() {
    let world = World::new();
    let asking = Asking::default();
    let described = world.described(&world.keeper()).credential_sink(asking.clone());
    let session = described.open().await.unwrap();
    session.authorization().await.unwrap();
    asking.session.set(session.clone()).unwrap();
    let new_password = SecretString::new("canary-new-password");
    session.perform(Operation::ChangePassword { new_password }).await.unwrap();
    let met = asking.met();
    assert_eq!(met.len(), 10);
    // The token is good: asking for it waits for nothing.
    assert_eq!((met[0], &met[1..5]), (None, &REFUSED[1..]));
    assert_eq!(world.server.count("sign_in"), 1);
}

/// Ends the session from within its own exchange.
struct Ending(Asking, Arc<Mutex<Option<SignOutOutcome>>>);

#[async_trait]
impl CredentialSource for Ending {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        if let Some(session) = self.0.session.get() {
            let end = session.sign_out(seconds(60)).await;
            *self.1.lock().unwrap() = Some(end);
        }
        Ok(Credentials::password("kim", crate::common::PASSWORD.to_owned()))
    }
}

#[tokio::test]
async fn f25_a_source_that_ends_its_own_session_does_not_wait_for_the_end() {
    let world = World::new();
    let (asking, end) = (Asking::default(), Arc::new(Mutex::new(None)));
    let keeper = world.keeper();
    let source = Ending(asking.clone(), Arc::clone(&end));
    let described = keeper.session(world.provider.clone(), "kim").credentials(source);
    let session = described.open().await.unwrap();
    asking.session.set(session.clone()).unwrap();
    let error = session.authorization().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignedOut);
    settle().await;
    assert_eq!(*end.lock().unwrap(), Some(SignOutOutcome::Unconfirmed));
    assert_eq!(world.server.count("sign_in"), 0);
}
