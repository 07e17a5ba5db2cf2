//! A whole life over sockets: sign-in with its challenges, calls, renewals, a revocation, refusals,
//! broken answers, other operations, sign-out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::reqwest::Client;
use countersign::scheduler::BackoffPolicy;
use countersign::{
    AccountKey, Answers, ChallengeKind, CredentialSource, Credentials, Error, FileStore, Keeper,
    Operation, Origin, Session, SignIn,
};
use countersign_simulator::{Fault, Operation as Asked, RefreshTokens, RetryAfter};

use crate::cast::{Actor, NEW_PASSWORD, WRONG_PASSWORD};
use crate::haul::Haul;

/// Longer than a time step of codes, shorter than anybody wants to wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Credentials that learn of a new password.
#[derive(Clone)]
pub(crate) struct Purse(pub(crate) Arc<Mutex<Credentials>>);

impl Purse {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self(Arc::new(Mutex::new(credentials)))
    }

    fn change_password(&self, password: &str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.clone().with_password(password.to_owned());
    }
}

#[async_trait]
impl CredentialSource for Purse {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Lives it, and tells `haul` of everything that came out.
pub(crate) async fn live(actor: Actor, haul: Haul) {
    haul.credentials(&actor.credentials);
    [NEW_PASSWORD, WRONG_PASSWORD].into_iter().for_each(|password| haul.secret(password));
    let folder = tempfile::tempdir().expect("a folder");
    let store = FileStore::open(folder.path().join("sessions")).expect("a store");
    // A builder that would log every byte: ours does not let it.
    let verbose = ::reqwest::Client::builder().connection_verbose(true);
    let http = Client::new(verbose).expect("a client");
    haul.debug(&store);
    let builder = Keeper::builder().transport(http.clone()).store(store).backoff(backoff());
    haul.debug(&builder);
    let keeper = builder.build().expect("a keeper");
    let mut events = keeper.events();
    let purse = Purse::new(actor.credentials.clone());
    let builder = keeper.session_of(Arc::clone(&actor.adapter), &actor.identity);
    let origin = Origin::parse(&actor.running.url()).expect("a loopback origin");
    let builder = builder.credentials(purse.clone()).api_origins([origin]).deadline(PATIENCE);
    haul.debug(&(&builder, &http, &actor.adapter, &actor.credentials));
    let session = builder.open().await.expect("the session opens");

    sign_in(&session, &purse, &haul).await;
    call(&actor, &http, &session, &haul).await;
    haul.result(session.refresh().await).expect("a renewal");
    haul.result(session.refresh().await).expect("another one");
    actor.simulator.revoke_all(&actor.identity, RefreshTokens::Keep);
    call(&actor, &http, &session, &haul).await;
    haul.store(folder.path());

    operations(&session, &haul).await;
    broken_answers(&actor, &session, &haul).await;
    let wrong = actor.credentials.clone().with_password(WRONG_PASSWORD.to_owned());
    haul.result(session.sign_in_with(wrong).await);
    haul.debug(&(&session, session.status(), session.account(), session.digest(), &keeper));
    haul.store(folder.path());
    haul.debug(&session.sign_out(PATIENCE).await);
    haul.result(session.authorization_within(Duration::from_millis(50)).await);
    haul.debug(&session.status());
    keeper.shutdown(PATIENCE).await;
    while let Some(event) = events.try_recv() {
        haul.debug(&event);
    }
    haul.store(folder.path());
    haul.issued(&actor.simulator);
    actor.running.shutdown().await;
}

/// As short as a test wants it.
pub(crate) fn backoff() -> BackoffPolicy {
    BackoffPolicy {
        base: Duration::from_millis(20),
        cap: Duration::from_millis(100),
        max_attempts: 1000,
        ..BackoffPolicy::default()
    }
}

async fn sign_in(session: &Session, purse: &Purse, haul: &Haul) {
    let mut end = session.sign_in().await;
    for _ in 0..4 {
        let challenge = match haul.result(end).expect("a sign-in") {
            SignIn::Challenge(challenge) => challenge,
            _ => return,
        };
        haul.debug(&session.pending());
        // The adapters compute one-time codes themselves: nothing else is asked for here.
        assert_eq!(challenge.kind, ChallengeKind::NewPassword);
        let answers = Answers::new_password(NEW_PASSWORD.to_owned());
        haul.debug(&answers);
        end = session.answer(answers).await;
        purse.change_password(NEW_PASSWORD);
    }
    panic!("one proof after another");
}

async fn call(actor: &Actor, http: &Client, session: &Session, haul: &Haul) {
    let api = http.session(session.clone());
    let request = api.get(actor.resource());
    haul.debug(&(&api, &request));
    match request.send().await {
        Ok(reply) => {
            assert_eq!(reply.status(), 200, "{}", actor.simulator.provider());
            haul.debug(&reply);
        }
        Err(error) => panic!("{}: {error}", actor.simulator.provider()),
    }
    let elsewhere = api.get("https://other.invalid/?q=1").send().await;
    haul.other_error(&elsewhere.expect_err("another origin"));
    let closed = api.get("http://127.0.0.1:1/").send().await;
    haul.other_error(&closed.expect_err("no API of this session"));
    let authorized = haul.result(session.authorization().await).expect("signed in");
    let mut headers = http::HeaderMap::new();
    authorized.apply(&mut headers);
    haul.debug(&(headers, authorized.authorization(), authorized.access_token()));
    haul.debug(&(authorized.id_token(), authorized.profile()));
}

/// What is asked beside the life of a token; who cannot says so.
async fn operations(session: &Session, haul: &Haul) {
    haul.result(session.perform(Operation::WhoAmI).await);
    haul.result(session.perform(Operation::ForgotPassword).await);
    let (code, new_password) = ("Canary-wr0ng-code".to_owned(), WRONG_PASSWORD.to_owned());
    haul.secret(&code);
    let confirm =
        Operation::ConfirmForgotPassword { code: code.into(), new_password: new_password.into() };
    haul.debug(&confirm);
    haul.result(session.perform(confirm).await);
}

async fn broken_answers(actor: &Actor, session: &Session, haul: &Haul) {
    for fault in [
        Fault::Status500,
        Fault::Status429 { retry_after: RetryAfter::None },
        Fault::Html,
        Fault::Cut,
        Fault::BrokenJson,
        Fault::Empty,
        Fault::DuplicateJson,
        Fault::TokenWithNewline,
        Fault::HugeToken,
        Fault::Truncate,
    ] {
        for asked in [Asked::REFRESH, Asked::SIGN_IN] {
            actor.simulator.inject(asked, fault.clone(), 1);
        }
        haul.result(session.refresh().await);
        haul.debug(&session.status());
        actor.simulator.clear();
    }
}
