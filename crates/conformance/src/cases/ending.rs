//! The end: signing out, and handing over to the next process.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Capabilities, ErrorKind, Operation, RevokeSupport};
use countersign_runtime::SignOutOutcome;

use crate::bench::Bench;
use crate::case::{Applies, Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::{Control, Settings};

const GROUP: &str = "ending";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "sign-out-revokes",
        "A sign-out revokes the refresh token, says what is true, and nothing is handed out afterwards",
        |bench| Box::pin(revokes(bench)),
    )
    .proves(&[Row::Rfc("7009 §2"), Row::F(41)])
    .claims(&[Claim::Revoke])
    .controls(&[Control::Records]),
    Case::new(
        GROUP,
        "sign-out-ends-the-family",
        "After a sign-out that ends a family the API refuses its access tokens too",
        |bench| Box::pin(family(bench)),
    )
    .proves(&[Row::Rfc("7009 §2.1")])
    .claims(&[Claim::Revoke])
    .controls(&[Control::Resource])
    .applies(|claims: &Capabilities| match claims.revoke {
        RevokeSupport::Family => Applies::Yes,
        _ => Applies::No("its access tokens live on until they end"),
    })
    .live(1),
    Case::new(
        GROUP,
        "sign-out-here-alone",
        "Where nothing can be revoked a sign-out sends nothing and says until when the token lives",
        |bench| Box::pin(here_alone(bench)),
    )
    .proves(&[Row::F(41)])
    .applies(|claims: &Capabilities| match claims.revoke {
        RevokeSupport::None => Applies::Yes,
        _ => Applies::No("its tokens can be revoked"),
    })
    .live(1),
    Case::new(
        GROUP,
        "sign-out-whose-answer-is-lost",
        "A sign-out that hears nothing says that it does not know, and the session is over all the same",
        |bench| Box::pin(unconfirmed(bench)),
    )
    .proves(&[Row::Rfc("7009 §2.2"), Row::F(41)])
    .claims(&[Claim::Revoke])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "sign-out-everywhere",
        "Signing out everywhere ends the sessions of this account that others have",
        |bench| Box::pin(everywhere(bench)),
    )
    .proves(&[Row::F(41)])
    .claims(&[Claim::SignOutEverywhere])
    .controls(&[Control::Resource])
    .harm(Harm::Ends)
    .live(2),
    Case::new(
        GROUP,
        "handed-over-to-the-next-process",
        "A process that starts where another one has ended sends nothing as long as the token is good",
        |bench| Box::pin(handed_over(bench)),
    )
    .proves(&[Row::F(9)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "shutdown-waits-for-the-exchange",
        "A shutdown waits for the exchange under way and its writing, and begins nothing new",
        |bench| Box::pin(shutdown_waits(bench)),
    )
    .proves(&[Row::F(9), Row::F(45)])
    .live_with_faults(1),
    Case::new(
        GROUP,
        "shutdown-is-bounded",
        "A shutdown that hears nothing ends in time, and the next process goes on",
        |bench| Box::pin(shutdown_bounded(bench)),
    )
    .proves(&[Row::F(45)])
    .controls(&[Control::VirtualTime]),
];

async fn revokes(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let sibling = bench.process()?.open().await?;
    sibling.authorization().await?;
    // What is true: an access token that lives on is said to.
    let truth = match bench.claims().revoke {
        RevokeSupport::Family => SignOutOutcome::Revoked,
        _ => SignOutOutcome::LocalOnly { valid_until: session.status().expires_at },
    };
    expect::same("the end", session.sign_out(MINUTE).await, truth)?;
    let revocations = bench.seen(Op::Revoke)?;
    expect::same("revocations that were done", revocations.iter().filter(|s| s.done).count(), 1)?;
    expect::same("a token", session.current().is_some(), false)?;
    expect::fails("a caller", ErrorKind::SignedOut, session.authorization().await)?;
    bench.settle().await;
    expect::state(&sibling, Status::SignedOut)?;
    bench.pass(HOUR).await;
    expect::same(
        "requests",
        bench.sent(Op::Any),
        bench.sent(Op::SignIn) + bench.sent(Op::Continue) + 1,
    )?;
    // Another sign-in begins another session.
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn family(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let given = session.authorization().await?;
    expect::same("a call before", bench.present(&given).await? / 100, 2)?;
    session.sign_out(MINUTE).await;
    expect::same("a call with the token of before", bench.present(&given).await?, 401)
}

async fn here_alone(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let (before, end) = (bench.sent(Op::Any), session.status().expires_at);
    let outcome = session.sign_out(MINUTE).await;
    expect::same("the end", outcome, SignOutOutcome::LocalOnly { valid_until: end })?;
    expect::fails("a caller", ErrorKind::SignedOut, session.authorization().await)?;
    expect::same("requests", bench.sent(Op::Any) - before, 0)
}

async fn unconfirmed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::Revoke, Fault::Hang)?;
    let outcome = session.sign_out(5 * MINUTE).await;
    expect::same("the end", outcome, SignOutOutcome::Unconfirmed)?;
    expect::fails("a caller", ErrorKind::SignedOut, session.authorization().await)?;
    let next = bench.process()?.open().await?;
    expect::fails("a later process", ErrorKind::SignedOut, next.authorization().await)?;
    let waited = bench.elapsed();
    expect::holds_or("an end within two minutes", waited <= 2 * MINUTE, format!("{waited:?}"))
}

async fn everywhere(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    // A program elsewhere: no store is shared with it.
    let elsewhere = bench.apart()?.sign_in().await?;
    let theirs = elsewhere.authorization().await?;
    expect::same("a call elsewhere before", bench.present(&theirs).await? / 100, 2)?;
    session.perform(Operation::SignOutEverywhere).await?;
    bench.settle().await;
    expect::state(&session, Status::SignedOut)?;
    expect::same("a call elsewhere after it", bench.present(&theirs).await? / 100, 4)?;
    expect::same("sign-outs", bench.granted(Op::SignOutEverywhere), 1)
}

async fn handed_over(bench: Bench) -> Result<(), Finding> {
    let first = bench.process()?;
    let session = first.sign_in().await?;
    let given = session.authorization().await?.generation();
    expect::same("an orderly end", first.shutdown(MINUTE).await, true)?;
    let before = bench.sent(Op::Auth);
    bench.pass(10 * MINUTE).await;
    let next = bench.process()?.open().await?;
    let reply = bench.call(&next).await?;
    expect::same("a call of the next process", (reply.status / 100, reply.sends), (2, 1))?;
    expect::same("its token", next.authorization().await?.generation(), given)?;
    expect::same("exchanges", bench.sent(Op::Auth) - before, 0)
}

async fn shutdown_waits(bench: Bench) -> Result<(), Finding> {
    let process = bench.process()?;
    let session = process.open().await?;
    let gate = bench.hold(Op::SignIn);
    let waiting = caller(&session);
    gate.reached().await;
    let ending = tokio::spawn({
        let process = process.clone();
        async move { process.shutdown(MINUTE).await }
    });
    bench.settle().await;
    expect::same("a shutdown that does not wait", ending.is_finished(), false)?;
    gate.open();
    expect::same("an orderly end", done(ending).await?, true)?;
    let given = done(waiting).await??;
    let before = bench.sent(Op::Any);
    let next = bench.process()?.open().await?;
    expect::same("the token of the next process", next.status().generation, Some(given))?;
    expect::same("the token that is handed out on", session.current().is_some(), true)?;
    expect::holds("a renewal that is refused", session.refresh().await.is_err())?;
    expect::same("requests after the shutdown", bench.sent(Op::Any) - before, 0)
}

async fn shutdown_bounded(bench: Bench) -> Result<(), Finding> {
    let process = bench.process()?;
    let session = process.open().await?;
    bench.next(Op::SignIn, Fault::Hang)?;
    let waiting = caller(&session);
    bench.settle().await;
    let before = bench.elapsed();
    let orderly = process.shutdown(Duration::from_secs(5)).await;
    expect::same("an orderly end", orderly, false)?;
    // A part of the time may be kept for writing what came meanwhile; nothing came.
    let took = bench.elapsed() - before;
    let in_time = took >= Duration::from_secs(3) && took <= Duration::from_secs(5);
    expect::holds_or("an end after 3 to 5 seconds", in_time, format!("{took:?}"))?;
    expect::holds("a caller who hears something", done(waiting).await?.is_err())?;
    let next = bench.process()?.open_with(|builder| builder.deadline(5 * MINUTE)).await?;
    next.authorization().await?;
    expect::state(&next, Status::Active)
}
