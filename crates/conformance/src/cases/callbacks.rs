//! Somebody else's code inside an exchange: it panics, hangs, or asks back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::session::Status;
use countersign_core::{
    AccountKey, CredentialSource, Credentials, Error, ErrorKind, Operation, SecretString,
};
use countersign_runtime::{CredentialSink, PasswordStage, Session, SessionBuilder};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::Control;

const GROUP: &str = "callbacks";
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f12-panic-in-a-transport",
        "A panic in a transport ends its exchange with an error for all who wait, and the session lives on",
        |bench| Box::pin(panics(bench, Fault::Panic)),
    )
    .proves(&[Row::F(12)]),
    Case::new(
        GROUP,
        "f12-panic-in-an-adapter",
        "A panic in an adapter ends its exchange with an error for all who wait, and the session lives on",
        |bench| Box::pin(panics(bench, Fault::PanicWhenRead)),
    )
    .proves(&[Row::F(12)]),
    Case::new(
        GROUP,
        "f12-panic-in-a-sink",
        "A panic in a sink for new passwords ends the change before anything is sent",
        |bench| Box::pin(panic_in_a_sink(bench)),
    )
    .proves(&[Row::F(12), Row::F(26)])
    .claims(&[Claim::ChangePassword])
    .harm(Harm::Changes),
    Case::new(
        GROUP,
        "f12-panic-in-a-source",
        "A panic in a credential source ends its exchange with an error, and the session lives on",
        |bench| Box::pin(source(bench, Mood::Panics)),
    )
    .proves(&[Row::F(12)]),
    Case::new(
        GROUP,
        "f12-source-that-failed-once",
        "A credential source that fails is asked again, and its failure is forgotten",
        |bench| Box::pin(source(bench, Mood::Fails)),
    )
    .proves(&[Row::F(12)]),
    Case::new(
        GROUP,
        "f12-source-that-never-answers",
        "A credential source that never answers ends its exchange at a deadline, and is asked again",
        |bench| Box::pin(source(bench, Mood::Hangs)),
    )
    .proves(&[Row::F(12)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f25-source-that-asks-its-own-session",
        "A credential source that asks the session which waits for it is told so at once, and nothing is stuck",
        |bench| Box::pin(asks_itself(bench)),
    )
    .proves(&[Row::F(25)]),
    Case::new(
        GROUP,
        "f25-token-calls-carry-no-token",
        "Signing in and refreshing present no credential of the API, not even an old one",
        |bench| Box::pin(unauthenticated(bench)),
    )
    .proves(&[Row::F(25), Row::Rfc("6749 §6")])
    .controls(&[Control::Records]),
    Case::new(
        GROUP,
        "f26-source-is-called-under-no-lock",
        "A credential source may have a sibling of the same account renewed while it is asked",
        |bench| Box::pin(under_no_lock(bench)),
    )
    .proves(&[Row::F(26), Row::F(8)]),
];

async fn panics(bench: Bench, fault: Fault) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let old = session.authorization().await?.generation();
    bench.next(bench.renewal(), fault)?;
    session.reject(old);
    let callers = [caller(&session), caller(&session)];
    for caller in callers {
        // Each hears of the panic, or has the token of the next try.
        if let Err(error) = done(caller).await? {
            expect::same("the kind of the error", error.kind(), ErrorKind::Internal)?;
        }
    }
    bench.until("a session that lives", 15 * MINUTE, || session.state() == Status::Active).await?;
    let new = session.authorization().await?.generation();
    expect::same("the refused token again", new == old, false)
}

struct PanickingSink;

#[async_trait]
impl CredentialSink for PanickingSink {
    async fn new_password(
        &self,
        _: &AccountKey,
        _: &SecretString,
        _: PasswordStage,
    ) -> Result<(), Error> {
        std::panic::resume_unwind(Box::new("a sink of the case"))
    }
}

async fn panic_in_a_sink(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.credential_sink(PanickingSink)).await?;
    session.authorization().await?;
    let new_password = bench.server().next_password();
    let change = session.perform(Operation::ChangePassword { new_password }).await;
    expect::fails("the change", ErrorKind::Internal, change)?;
    expect::same("changes that were sent", bench.sent(Op::ChangePassword), 0)?;
    session.authorization().await?;
    expect::state(&session, Status::Active)
}

/// What a source does the first time.
#[derive(Clone, Copy)]
enum Mood {
    Panics,
    Fails,
    Hangs,
}

struct Moody {
    mood: Mood,
    asked: AtomicU32,
    credentials: Credentials,
}

#[async_trait]
impl CredentialSource for Moody {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        // The first time is the check at opening.
        if self.asked.fetch_add(1, Ordering::SeqCst) != 1 {
            return Ok(self.credentials.clone());
        }
        match self.mood {
            // Without the hook: a panic that is meant writes nothing to standard error.
            Mood::Panics => std::panic::resume_unwind(Box::new("a source of the case")),
            Mood::Fails => Err(Error::new(ErrorKind::Credentials).hint("the vault is sealed")),
            Mood::Hangs => std::future::pending().await,
        }
    }
}

async fn source(bench: Bench, mood: Mood) -> Result<(), Finding> {
    let credentials = bench.account().credentials.clone();
    let moody = Arc::new(Moody { mood, asked: AtomicU32::new(0), credentials });
    let session = bench.first()?.open_from(moody.clone(), |builder| builder).await?;
    let first = session.authorization_within(10 * MINUTE).await;
    if let Err(error) = first {
        let kinds = [ErrorKind::Internal, ErrorKind::Credentials];
        expect::holds_or("an error about the source", kinds.contains(&error.kind()), error)?;
    }
    let asked = moody.asked.load(Ordering::SeqCst);
    expect::holds_or("a source that was asked", asked >= 2, asked)?;
    session.sign_in().await?;
    session.authorization().await?;
    expect::state(&session, Status::Active)?;
    expect::holds("no error in the status", session.status().last_error.is_none())
}

/// Asks a session while it is asked itself.
struct Asking {
    session: OnceLock<Session>,
    renew: bool,
    heard: OnceLock<Option<ErrorKind>>,
    credentials: Credentials,
}

#[async_trait]
impl CredentialSource for Asking {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        if let Some(session) = self.session.get() {
            let answer = match self.renew {
                true => session.refresh().await,
                false => session.authorization().await,
            };
            self.heard.get_or_init(|| answer.err().map(|error| error.kind()));
        }
        Ok(self.credentials.clone())
    }
}

impl Asking {
    fn new(bench: &Bench, renew: bool) -> Arc<Self> {
        let credentials = bench.account().credentials.clone();
        Arc::new(Self { session: OnceLock::new(), renew, heard: OnceLock::new(), credentials })
    }
}

async fn asks_itself(bench: Bench) -> Result<(), Finding> {
    let asking = Asking::new(&bench, false);
    let session = bench.first()?.open_from(asking.clone(), |builder| builder).await?;
    // It is set once.
    let _ = asking.session.set(session.clone());
    let before = bench.elapsed();
    session.authorization().await?;
    expect::same("time that passed", bench.elapsed(), before)?;
    let heard = expect::there("an answer to the source", asking.heard.get().copied())?;
    expect::same("the answer to the source", heard, Some(ErrorKind::Configuration))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn unauthenticated(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    for _ in 0..2 {
        session.reject(session.authorization().await?.generation());
        session.authorization().await?;
        bench.pass(15 * MINUTE).await;
    }
    let credentials = &bench.claims().credential_headers;
    for seen in bench.seen(Op::Any)? {
        let carried = seen
            .header_names
            .iter()
            .find(|name| credentials.iter().any(|header| header.as_str() == name.as_str()));
        expect::same(&format!("a credential header of {}", seen.op), carried, None::<&String>)?;
    }
    let renewals = bench.granted(bench.renewal());
    expect::holds_or("at least two renewals", renewals >= 2, renewals)
}

async fn under_no_lock(bench: Bench) -> Result<(), Finding> {
    let sibling = bench.siblings(1).await?.remove(0);
    let old = sibling.authorization().await?.generation();
    let asking = Asking::new(&bench, true);
    let patient = |builder: SessionBuilder| builder.deadline(10 * MINUTE);
    let session = bench.process()?.open_from(asking.clone(), patient).await?;
    let _ = asking.session.set(sibling.clone());
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    session.reject(old);
    let given = session.authorization().await?.generation();
    let heard = expect::there("an answer to the source", asking.heard.get().copied())?;
    expect::same("what the source heard", heard, None)?;
    expect::same("the token that the source had bought", sibling.status().generation, Some(given))?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}
