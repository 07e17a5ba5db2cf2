//! Passwords that are refused, changed behind one's back, or forgotten by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{AccountKey, CredentialSource, Credentials, Error, ErrorKind, SecretString};
use countersign_runtime::{Session, SignIn};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::reading::{as_sure, fails};
use crate::target::{Control, RefreshTokens, Settings};

const GROUP: &str = "passwords";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f36-refused-password-is-sent-once",
        "A password that was surely refused is sent once by all processes of a store, also by those that start later",
        |bench| Box::pin(sent_once(bench)),
    )
    .proves(&[Row::F(36)])
    .controls(&[Control::Password, Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f36-lockout-is-a-state",
        "A locked account is told as locked, and no process signs in before the lock ends, not even by name",
        |bench| Box::pin(lockout(bench)),
    )
    .proves(&[Row::F(36)])
    .claims(&[Claim::Lockout])
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f47-back-after-a-lockout",
        "An unattended session signs in by itself when the lock of its account has ended",
        |bench| Box::pin(after_a_lockout(bench)),
    )
    .proves(&[Row::F(47)])
    .claims(&[Claim::Lockout])
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f47-back-after-a-new-password",
        "An unattended session comes back by itself when its source yields another password than the refused one",
        |bench| Box::pin(after_a_new_password(bench)),
    )
    .proves(&[Row::F(47), Row::F(36)])
    .controls(&[Control::Password, Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f44-source-is-read-each-time",
        "A password that was changed everywhere is read anew at the next sign-in, and the old one is sent no more",
        |bench| Box::pin(read_each_time(bench)),
    )
    .proves(&[Row::F(44)])
    .controls(&[Control::Password, Control::Revoke, Control::Records])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f37-refresh-before-password",
        "In three days of hourly tokens the password is sent once",
        |bench| Box::pin(refreshed(bench)),
    )
    .proves(&[Row::F(37), Row::Rfc("6749 §1.5")])
    .claims(&[Claim::Refresh])
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f37-sign-ins-of-a-day-are-counted",
        "Where every refresh token is revoked within the hour the password is sent as often a day as allowed, and no more",
        |bench| Box::pin(counted(bench)),
    )
    .proves(&[Row::F(37)])
    .claims(&[Claim::Refresh])
    .controls(&[Control::Revoke, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f40-nobody-is-asked-unasked",
        "A source that asks a person is asked when somebody signs in by name, and never for a caller of the API",
        |bench| Box::pin(interactive(bench)),
    )
    .proves(&[Row::F(40)]),
];

async fn sent_once(bench: Bench) -> Result<(), Finding> {
    let identity = bench.account().identity.clone();
    bench.controls()?.set_password(&identity, &bench.server().next_password());
    let session = bench.open().await?;
    expect::holds("a caller who is refused", session.authorization().await.is_err())?;
    // A caller may be told of the wait for the second try instead.
    as_sure(&bench, &expect::there("the refusal in the status", session.status().last_error)?)?;
    // A refusal that may be something else has one slow try more before it counts.
    let allowed = if bench.server().refusal_is_certain() { 1 } else { 2 };
    bench.pass(15 * MINUTE).await;
    let before = bench.sent(Op::SignIn);
    expect::holds_or(&format!("at most {allowed} sign-ins"), before <= allowed, before)?;
    for _ in 0..4 {
        let later = bench.process()?.open().await?;
        for caller in [&session, &later] {
            expect::holds(
                "a caller who is refused",
                caller.authorization_within(SECOND).await.is_err(),
            )?;
        }
        bench.pass(2 * MINUTE).await;
    }
    let more = if allowed == 1 { 0 } else { 1 };
    let sent = bench.sent(Op::SignIn) - before;
    expect::holds_or(
        &format!("at most {more} sign-ins of four more processes"),
        sent <= more,
        sent,
    )?;
    // By name it is sent, once.
    let before = bench.sent(Op::SignIn);
    expect::holds("a sign-in that is refused", session.sign_in().await.is_err())?;
    let sent = bench.sent(Op::SignIn) - before;
    expect::holds_or("at most one sign-in by name", sent <= 1, sent)
}

async fn lockout(bench: Bench) -> Result<(), Finding> {
    let (session, error) = locked(&bench).await?;
    expect::state(&session, Status::LockedOut)?;
    expect::holds_or(
        "an error that names its end",
        error.to_string().contains("not before"),
        &error,
    )?;
    let before = bench.sent(Op::SignIn);
    let sibling = bench.hasty(&bench.process()?).await?;
    for caller in [&session, &sibling] {
        fails("a sign-in by name", &[ErrorKind::AccountLocked], caller.sign_in().await)?;
        let now = caller.authorization_within(Duration::ZERO).await;
        fails("a call", &[ErrorKind::AccountLocked], now)?;
    }
    expect::same("sign-ins during the lock", bench.sent(Op::SignIn) - before, 0)
}

/// Somebody mistypes the password until the account is locked; the source has the right one.
async fn locked(bench: &Bench) -> Result<(Session, Error), Finding> {
    let session = bench.hasty_with(&bench.first()?, |b| b.keep_alive()).await?;
    let wrong = SecretString::new("Wr0ng-canary-p4ssword!");
    for _ in 0..12 {
        let mistyped = bench.account().credentials.clone().with_password(wrong.clone());
        match session.sign_in_with(mistyped).await {
            Err(error) if error.kind() == ErrorKind::AccountLocked => return Ok((session, error)),
            Err(_) => bench.next_code().await,
            Ok(_) => return Err(Finding::new("a wrong password that is refused", "success")),
        }
    }
    Err(Finding::new("a lock after twelve wrong passwords", "none"))
}

async fn after_a_lockout(bench: Bench) -> Result<(), Finding> {
    let (session, _) = locked(&bench).await?;
    let (asked, granted) = (bench.sent(Op::SignIn), bench.granted(Op::SignIn));
    bench
        .until("a session that is signed in", 20 * MINUTE, || session.state() == Status::Active)
        .await?;
    expect::same("sign-ins", bench.sent(Op::SignIn) - asked, 1)?;
    expect::same("sign-ins that were granted", bench.granted(Op::SignIn) - granted, 1)
}

async fn after_a_new_password(bench: Bench) -> Result<(), Finding> {
    let identity = bench.account().identity.clone();
    let next = bench.server().next_password();
    bench.controls()?.set_password(&identity, &next);
    let session = bench.open_with(|b| b.keep_alive()).await?;
    expect::holds("a caller who is refused", session.authorization_within(SECOND).await.is_err())?;
    bench.pass(2 * HOUR).await;
    expect::holds("still refused", session.current().is_none())?;
    let before = bench.sent(Op::SignIn);
    bench.know_secret(next);
    bench.until("a session that is signed in", HOUR, || session.state() == Status::Active).await?;
    expect::same("sign-ins with the new password", bench.sent(Op::SignIn) - before, 1)
}

async fn read_each_time(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let identity = bench.account().identity.clone();
    let next = bench.server().next_password();
    bench.controls()?.set_password(&identity, &next);
    bench.know_secret(next);
    bench.controls()?.revoke(&identity, RefreshTokens::Revoke);
    let before = bench.granted(Op::SignIn);
    session.reject(session.authorization().await?.generation());
    bench.until("a new token", 30 * MINUTE, || session.current().is_some()).await?;
    expect::same("sign-ins", bench.granted(Op::SignIn) - before, 1)?;
    expect::holds("no error", session.status().last_error.is_none())?;
    let refused = bench.n_refused(Op::SignIn)?;
    expect::same("sign-ins that were refused", refused, 0)
}

async fn refreshed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    for _ in 0..(72 * 6) {
        session.authorization().await?;
        bench.pass(10 * MINUTE).await;
    }
    // A process that starts when the token is over refreshes too.
    bench.pass(3 * HOUR).await;
    bench.process()?.open().await?.authorization().await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let refreshes = bench.granted(Op::Refresh);
    expect::holds_or("a refresh an hour", (60..=120).contains(&refreshes), refreshes)
}

async fn counted(bench: Bench) -> Result<(), Finding> {
    let policy = Reauthentication::Automatic { per_day: 3 };
    let session = bench.open_with(|b| b.reauthentication(policy)).await?;
    let mut refused = 0;
    // The start of a case is in the morning: ten hours are within one day.
    for _ in 0..40 {
        let soon = session.authorization_within(5 * MINUTE).await;
        refused += u32::from(soon.is_err());
        bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Revoke);
        if let Ok(given) = soon {
            session.reject(given.generation());
        }
        bench.pass(10 * MINUTE).await;
    }
    let sent = bench.sent(Op::SignIn);
    expect::same("sign-ins of a day", sent, 3)?;
    expect::holds_or("callers who are told so", refused > 0, refused)?;
    // By name it goes on.
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    expect::state(&session, Status::Active)
}

/// A source that would have to ask somebody.
struct Asking {
    asked: AtomicU32,
    credentials: Credentials,
}

#[async_trait]
impl CredentialSource for Asking {
    async fn credentials(&self, _: &AccountKey) -> Result<Credentials, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.credentials.clone())
    }

    fn interactive(&self) -> bool {
        true
    }
}

async fn interactive(bench: Bench) -> Result<(), Finding> {
    let credentials = bench.account().credentials.clone();
    let asking = Arc::new(Asking { asked: AtomicU32::new(0), credentials });
    let source = bench.source(asking.clone());
    let session = bench.open_with(|b| b.credentials_from(source).keep_alive()).await?;
    for _ in 0..3 {
        let soon = session.authorization_within(SECOND).await;
        fails("a call", &[ErrorKind::NeedsSignIn], soon)?;
        bench.pass(HOUR).await;
    }
    expect::same("how often somebody was asked", asking.asked.load(Ordering::SeqCst), 0)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 0)?;
    let end: SignIn = session.sign_in().await?;
    bench.first()?.complete(&session, end).await?;
    expect::same("how often somebody was asked", asking.asked.load(Ordering::SeqCst), 1)?;
    session.authorization().await?;
    expect::same("how often somebody was asked", asking.asked.load(Ordering::SeqCst), 1)
}
