//! New passwords go to the sink before they are sent, and their fate after it is known.

use std::sync::{Arc, Mutex};

use crate::common::{Act, Server, World, seconds};
use async_trait::async_trait;
use countersign_core::{
    AccountKey, Answers, Error, ErrorKind, Operation, RefreshSupport, SecretString,
};
use countersign_runtime::{CredentialSink, PasswordStage, Session, SignIn};
use serde_json::json;

const NEW: &str = "canary-new-password";

/// Writes down what it hears, with what the server has seen by then.
#[derive(Clone)]
struct Vault {
    server: Server,
    heard: Arc<Mutex<Vec<(PasswordStage, usize)>>>,
    /// Another session of the account, whose exchange needs its lock.
    sibling: Option<Session>,
    ill: Arc<Mutex<Option<&'static str>>>,
}

#[async_trait]
impl CredentialSink for Vault {
    async fn new_password(
        &self,
        account: &AccountKey,
        password: &SecretString,
        stage: PasswordStage,
    ) -> Result<(), Error> {
        assert_eq!((account.identity(), password.expose()), ("kim", NEW));
        let sent = self.server.count("change_password") + self.server.count("answer");
        self.heard.lock().unwrap().push((stage, sent));
        if let Some(sibling) = &self.sibling {
            sibling.refresh().await.map(drop)?;
        }
        let ill = *self.ill.lock().unwrap();
        match ill {
            Some("panics") => panic!("canary: the sink panics"),
            Some("hangs") => std::future::pending().await,
            Some(_) => Err(Error::new(ErrorKind::Credentials).hint("the vault is closed")),
            None => Ok(()),
        }
    }
}

impl Vault {
    fn of(world: &World) -> Self {
        let server = world.server.clone();
        Self { server, heard: Arc::default(), sibling: None, ill: Arc::default() }
    }

    fn heard(&self) -> Vec<(PasswordStage, usize)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    async fn session(&self, world: &World) -> Session {
        let keeper = world.keeper();
        world.described(&keeper).credential_sink(self.clone()).open().await.unwrap()
    }
}

async fn sibling(world: &World) -> Session {
    let mut provider = world.provider.clone();
    provider.realm.client = "another".into();
    let session = World { provider, ..world.clone() }.signed_in().await;
    assert_eq!(session.account(), world.session().await.account());
    session
}

fn change() -> Operation {
    Operation::ChangePassword { new_password: SecretString::new(NEW) }
}

const PENDING: PasswordStage = PasswordStage::Pending;

const fn settled(holds: bool) -> PasswordStage {
    PasswordStage::Settled { holds }
}

#[tokio::test]
async fn f26_f48_a_sink_has_a_new_password_before_it_is_sent_and_is_called_under_no_lock() {
    let world = World::of(crate::common::Plain::default().refreshing(RefreshSupport::Reusable));
    let mut vault = Vault::of(&world);
    vault.sibling = Some(sibling(&world).await);
    let session = vault.session(&world).await;
    session.authorization().await.unwrap();
    session.perform(change()).await.unwrap();
    assert_eq!(vault.heard(), [(PENDING, 0), (settled(true), 1)]);
    assert_eq!(world.server.count("refresh"), 2, "the sibling got the lock both times");

    world.server.refuse_next("change_password");
    session.perform(change()).await.unwrap_err();
    assert_eq!(vault.heard(), [(PENDING, 1), (settled(false), 2)]);
}

#[tokio::test]
async fn f48_a_sink_that_refuses_a_new_password_stops_its_sending() {
    let world = World::new();
    let vault = Vault::of(&world);
    let session = vault.session(&world).await;
    session.authorization().await.unwrap();
    for (ill, kind) in [
        ("refuses", ErrorKind::Credentials),
        ("panics", ErrorKind::Internal),
        ("hangs", ErrorKind::Credentials),
    ] {
        *vault.ill.lock().unwrap() = Some(ill);
        let changing = tokio::spawn({
            let session = session.clone();
            async move { session.perform(change()).await.unwrap_err() }
        });
        world.pass(seconds(60)).await;
        let error = changing.await.unwrap();
        assert_eq!((error.kind(), error.operation()), (kind, Some("change_password")));
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert_eq!(world.server.count("change_password"), 0);
    session.sign_in().await.unwrap();
    assert_eq!(world.server.count("sign_in"), 2, "nothing is open: the old password goes first");
}

#[tokio::test]
async fn f48_a_sink_hears_at_the_next_sign_in_which_password_holds() {
    for (act, holds) in [(Act::LoseAnswer, true), (Act::Say(504, json!({})), false)] {
        let world = World::new();
        let vault = Vault::of(&world);
        let session = vault.session(&world).await;
        session.authorization().await.unwrap();
        world.server.next("change_password", act);
        let error = session.perform(change()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
        assert_eq!(vault.heard(), [(PENDING, 0)]);
        session.sign_in().await.unwrap();
        crate::common::settle().await;
        assert_eq!(vault.heard(), [(settled(holds), 1)]);
        drop(session.sign_in().await);
        crate::common::settle().await;
        assert_eq!(vault.heard(), []);
    }
}

#[tokio::test]
async fn f26_f48_a_sink_has_the_first_password_of_an_account_before_it_is_sent() {
    let world = World::new();
    let asked = json!({ "challenge": "canary-handle", "wants": "new_password" });
    let mut vault = Vault::of(&world);
    vault.sibling = Some(sibling(&world).await);
    let session = vault.session(&world).await;
    for refusal in [Some(Act::Say(400, json!({ "error": "bad_code" }))), None] {
        world.server.next("sign_in", Act::Say(200, asked.clone()));
        assert!(matches!(session.sign_in().await.unwrap(), SignIn::Challenge(_)));
        let before = world.server.count("answer");
        let refused = refusal.is_some();
        if let Some(act) = refusal {
            world.server.next("answer", act);
        }
        let answered = session.answer(Answers::new_password(NEW.to_owned())).await;
        assert_eq!(answered.is_err(), refused);
        crate::common::settle().await;
        assert_eq!(vault.heard(), [(PENDING, before), (settled(!refused), before + 1)]);
    }
    assert_eq!(world.server.count("refresh"), 4, "the sibling got the lock every time");
}

#[tokio::test]
async fn f48_a_sink_that_refuses_the_first_password_leaves_the_challenge_open() {
    let world = World::new();
    let asked = json!({ "challenge": "canary-handle", "wants": "new_password" });
    world.server.next("sign_in", Act::Say(200, asked));
    let vault = Vault::of(&world);
    let session = vault.session(&world).await;
    session.sign_in().await.unwrap();
    *vault.ill.lock().unwrap() = Some("refuses");
    let answered = session.answer(Answers::new_password(NEW.to_owned())).await.unwrap();
    assert!(matches!(answered, SignIn::Challenge(_)));
    let error = session.status().last_error.unwrap();
    assert_eq!((error.kind(), world.server.count("answer")), (ErrorKind::Credentials, 0));
    *vault.ill.lock().unwrap() = None;
    session.answer(Answers::new_password(NEW.to_owned())).await.unwrap();
    assert_eq!(world.server.count("answer"), 1);
}
