//! Servers that are down, and sessions that are dead: who is served, who waits, who hammers.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Credentials, ErrorKind};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::reading::as_sure;
use crate::target::{Control, Settings};

const GROUP: &str = "outage";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f11-good-token-outlives-failed-renewals",
        "A good token is handed out to its end although every renewal fails, and the failure is told",
        |bench| Box::pin(outlives(bench)),
    )
    .proves(&[Row::F(11)])
    .controls(&[Control::Words, Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f12-errors-expire",
        "A session comes back by itself after an outage of hours, and forgets the error",
        |bench| Box::pin(errors_expire(bench)),
    )
    .proves(&[Row::F(12)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f12-sign-in-clears-a-verdict",
        "A refusal that stopped a session is cleared by a sign-in, and callers are served again",
        |bench| Box::pin(sign_in_clears(bench)),
    )
    .proves(&[Row::F(12)])
    .controls(&[Control::Password])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f14-outage-is-not-hammered",
        "In an outage of eight hours a session asks ever more seldom and never stops, although callers come all the time",
        |bench| Box::pin(not_hammered(bench)),
    )
    .proves(&[Row::F(14)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f14-dead-session-is-left-alone",
        "A session whose secret is refused costs no further sign-ins, although callers come all the time",
        |bench| Box::pin(left_alone(bench)),
    )
    .proves(&[Row::F(14), Row::F(36)])
    .controls(&[Control::Password, Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f14-sessions-share-a-circuit",
        "Twenty sessions of one server ask it in its outage hardly more often than one would",
        |bench| Box::pin(circuit(bench)),
    )
    .proves(&[Row::F(14)])
    .controls(&[Control::Words, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f14-nothing-is-sent-after-a-shutdown",
        "A process that was shut down during an outage sends nothing any more",
        |bench| Box::pin(shut_down(bench)),
    )
    .proves(&[Row::F(14)])
    .controls(&[Control::Words, Control::VirtualTime]),
];

async fn outlives(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    bench.call(&session).await?;
    bench.pass(20 * MINUTE).await;
    bench.outage(true)?;
    let end = expect::there("the end of the token", session.status().expires_at)?;
    let mut failed = false;
    while bench.now().after(20 * SECOND) < end {
        let reply = bench.call(&session).await?;
        expect::same("a call with the good token", (reply.status / 100, reply.sends), (2, 1))?;
        failed |= session.state() == Status::Degraded;
        bench.pass(15 * SECOND).await;
    }
    expect::holds("a state that says that renewing has failed", failed)?;
    let error = expect::there("the failure in the status", session.status().last_error)?;
    expect::same("the kind of the failure", error.kind(), ErrorKind::TemporarilyUnavailable)?;
    bench.pass(MINUTE).await;
    expect::same("a token after its end", session.current().is_some(), false)?;
    bench.outage(false)?;
    let reply = bench.call(&session).await?;
    expect::holds_or("a call after the outage", reply.is_good(), reply.status)
}

async fn errors_expire(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    bench.outage(true)?;
    expect::holds("a caller who hears of the outage", session.authorization().await.is_err())?;
    bench.pass(3 * HOUR).await;
    let error = expect::there("an error in the status", session.status().last_error)?;
    expect::same("its kind", error.kind(), ErrorKind::TemporarilyUnavailable)?;
    bench.outage(false)?;
    bench
        .until("a session that came back by itself", 11 * MINUTE, || {
            session.state() == Status::Active
        })
        .await?;
    session.authorization().await?;
    expect::holds("no error in the status", session.status().last_error.is_none())
}

async fn sign_in_clears(bench: Bench) -> Result<(), Finding> {
    let (identity, right) = (bench.account().identity.clone(), bench.secret()?);
    bench.controls()?.set_password(&identity, &bench.server().next_password());
    let session = bench.open_with(|builder| builder.deadline(5 * MINUTE)).await?;
    expect::holds("a caller who is refused", session.authorization().await.is_err())?;
    bench.controls()?.set_password(&identity, &right);
    expect::holds("the refusal is remembered", session.authorization().await.is_err())?;
    session.sign_in().await?;
    session.authorization().await?;
    expect::holds("no error in the status", session.status().last_error.is_none())?;
    expect::state(&session, Status::Active)
}

async fn not_hammered(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    bench.outage(true)?;
    let mut by_hour = Vec::new();
    for _ in 0..8 {
        let before = bench.sent(Op::Any);
        for _ in 0..12 {
            let soon = session.authorization_within(SECOND).await;
            expect::holds("a caller who hears of the outage", soon.is_err())?;
            bench.pass(299 * SECOND).await;
        }
        by_hour.push(bench.sent(Op::Any) - before);
    }
    let first_minutes = by_hour[0];
    expect::holds_or("at most 30 requests in the first hour", first_minutes <= 30, first_minutes)?;
    let worst = by_hour[1..].iter().copied().max().unwrap_or_default();
    expect::holds_or("at most 13 requests in any later hour", worst <= 13, worst)?;
    let least = by_hour.iter().copied().min().unwrap_or_default();
    expect::holds_or("some requests in every hour", least >= 5, least)
}

async fn left_alone(bench: Bench) -> Result<(), Finding> {
    let identity = bench.account().identity.clone();
    bench.controls()?.set_password(&identity, &bench.server().next_password());
    let session = bench.open().await?;
    for _ in 0..120 {
        let soon = session.authorization_within(SECOND).await;
        expect::holds("a caller who is refused", soon.is_err())?;
        bench.pass(299 * SECOND).await;
    }
    as_sure(&bench, &expect::there("the refusal in the status", session.status().last_error)?)?;
    // A refusal that may be something else is tried once more, slowly; the memory of it expires.
    let sent = bench.sent(Op::SignIn);
    let most = if bench.server().refusal_is_certain() { 1 } else { 24 };
    expect::holds_or(&format!("at most {most} sign-ins in ten hours"), sent <= most, sent)
}

async fn circuit(bench: Bench) -> Result<(), Finding> {
    let process = bench.first()?;
    bench.outage(true)?;
    let mut sessions = Vec::new();
    for number in 0..20 {
        let name = format!("{number}-{}", bench.account().identity);
        let credentials = named(&bench, &name);
        sessions.push(process.open_as(&name, credentials).await?);
    }
    for _ in 0..30 {
        for session in &sessions {
            expect::same("a token in an outage", session.current().is_some(), false)?;
        }
        bench.pass(2 * MINUTE).await;
    }
    let sent = bench.sent(Op::Any);
    // The spread is drawn anew each time: most runs come to 80 to 90; each by itself would be 600.
    expect::holds_or("at most 110 requests of all in an hour", sent <= 110, sent)?;
    expect::holds_or("at least 20 requests of all in an hour", sent >= 20, sent)
}

fn named(bench: &Bench, name: &str) -> Credentials {
    bench.account().credentials.clone().with_identity(name)
}

async fn shut_down(bench: Bench) -> Result<(), Finding> {
    let process = bench.process()?;
    let session = process.open().await?;
    bench.outage(true)?;
    expect::holds("a caller who hears of the outage", session.authorization().await.is_err())?;
    process.shutdown(10 * SECOND).await;
    let before = bench.sent(Op::Any);
    bench.pass(6 * HOUR).await;
    expect::same("requests after the shutdown", bench.sent(Op::Any) - before, 0)?;
    expect::holds("a caller who is told so", session.authorization().await.is_err())?;
    expect::same("requests after the shutdown", bench.sent(Op::Any) - before, 0)
}
