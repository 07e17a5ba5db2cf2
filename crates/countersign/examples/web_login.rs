//! A login on a web site of several replicas: the pool wants a new password and then a code by mail,
//! and each step is answered on whichever replica the browser happens to reach.
//!
//! What is pending stands sealed in the store that the replicas share; no handler keeps anything.
//! The pool is played by a simulator on loopback:
//!
//! ```text
//! cargo run -p countersign --example web_login --features cognito,file,reqwest
//! ```

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use std::path::Path;

use countersign::cognito::Cognito;
use countersign::reqwest::Client;
use countersign::{
    Answers, ChallengeKind, Credentials, ErrorKind, FileStore, Keeper, Origin, SecretString,
    Session, SignIn,
};
use countersign_simulator::{Account, Operation, Simulator};

type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// One process of the web site.
struct Replica {
    keeper: Keeper,
    pool: Cognito,
    api: Origin,
}

/// What the browser is shown next.
#[derive(Debug, PartialEq)]
enum Page {
    Ask(ChallengeKind),
    Welcome,
}

impl Replica {
    fn start(pool: &Cognito, api: &Origin, folder: &Path) -> Result<Self> {
        let http = Client::lazy(reqwest::Client::builder)?;
        let keeper = Keeper::builder().transport(http).store(FileStore::open(folder)?).build()?;
        Ok(Self { keeper, pool: pool.clone(), api: api.clone() })
    }

    /// The session as the store has it now. It has no credentials of its own.
    async fn session(&self, user: &str) -> Result<Session> {
        let session = self.keeper.session(self.pool.clone(), user);
        Ok(session.api_origins([self.api.clone()]).open().await?)
    }

    /// `POST /login`: the password is used once and wiped.
    async fn login(&self, user: &str, password: SecretString) -> Result<Page> {
        let secrets = Credentials::password(user, password);
        page(self.session(user).await?.sign_in_with(secrets).await?)
    }

    /// `POST /login/answer`
    async fn answer(&self, user: &str, answers: Answers) -> Result<Page> {
        page(self.session(user).await?.answer(answers).await?)
    }

    /// Any page that calls the API behind the pool.
    async fn call(&self, user: &str) -> Result<u16> {
        let url = format!("{}/sim/echo", self.api);
        Ok(self.session(user).await?.client()?.get(url).send().await?.status().as_u16())
    }
}

fn page(end: SignIn) -> Result<Page> {
    match end {
        SignIn::Complete => Ok(Page::Welcome),
        SignIn::Challenge(challenge) => Ok(Page::Ask(challenge.kind)),
        _ => Err("a login may end in more ways than this site knows".into()),
    }
}

pub(crate) async fn run() -> Result {
    // Ada was invited: a temporary password, to be replaced at the first login.
    let user = "ada@shop.example";
    let simulator = Simulator::cognito().public_client().build();
    let invited = Account::user(user, "").temporary_password("Canary-t3mporary!");
    simulator.add_account(invited.must_change_password().attribute("mfa", "EMAIL_OTP"));
    let server = simulator.serve().await?;

    let pool = Cognito::pool("eu-west-1_CanaryPool", &simulator.client().identity)?;
    let pool = pool.endpoint(&server.url())?;
    let api = Origin::parse(&server.url())?;
    let shared = tempfile::tempdir()?;
    let folder = shared.path().join("sessions");
    let first = Replica::start(&pool, &api, &folder)?;
    let second = Replica::start(&pool, &api, &folder)?;

    let shown = first.login(user, SecretString::new("Canary-t3mporary!")).await?;
    assert_eq!(shown, Page::Ask(ChallengeKind::NewPassword));

    let shown =
        second.answer(user, Answers::new_password(SecretString::new("Canary-ch0sen-one!"))).await?;
    assert_eq!(shown, Page::Ask(ChallengeKind::Code));

    // The button was pressed twice, and two replicas were reached at once: one answer is sent.
    let code = simulator.delivered(user).ok_or("no mail came")?;
    let (one, other) = tokio::join!(
        first.answer(user, Answers::code(code.clone())),
        second.answer(user, Answers::code(code.clone())),
    );
    assert!([one, other].iter().flatten().any(|shown| *shown == Page::Welcome));

    // Signed in once, signed in on every replica.
    assert_eq!(first.call(user).await?, 200);
    assert_eq!(second.call(user).await?, 200);

    // Nothing is left to be answered.
    let again = second.session(user).await?.answer(Answers::code(code)).await;
    assert_eq!(again.map_err(|error| error.kind()).err(), Some(ErrorKind::ChallengeExpired));

    let seen = simulator.totals();
    assert_eq!(seen.exchanges_of(Operation::SIGN_IN), 1);
    // The proof of the password, which the adapter gives by itself, and the two that people gave.
    assert_eq!(seen.exchanges_of(Operation::ANSWER), 3);
    assert_eq!(seen.refused_of(Operation::ANSWER), 0);
    assert_eq!((seen.resource_ok, seen.resource_unauthorized), (2, 0));
    println!("a login in three steps over two replicas: {} requests", seen.requests);
    server.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result {
    run().await
}
