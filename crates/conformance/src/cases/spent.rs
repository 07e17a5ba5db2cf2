//! Refresh tokens that are spent on use, and what becomes of them when an answer is lost.

use std::time::Duration;

use countersign_core::session::{Answer, Effect, Event, Reauthentication, Report, Status};
use countersign_core::{Capabilities, ErrorKind, KeyDigest, RefreshSupport};
use countersign_runtime::EffectFilter;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bench::Bench;
use crate::case::{Applies, Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::target::{Control, Settings};

const GROUP: &str = "rotation";
const MINUTE: Duration = Duration::from_secs(60);
/// A spent token is dead at once.
const AT_ONCE: Settings = Settings::USUAL.rotating(Duration::ZERO);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f05-replayed-inside-the-grace",
        "A spent refresh token whose answer was lost is sent once more while the provider still takes it",
        |bench| Box::pin(inside_the_grace(bench)),
    )
    .proves(&[Row::F(5), Row::Rfc("9700 §4.14")])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records])
    .settings(Settings::USUAL.rotating(MINUTE)),
    Case::new(
        GROUP,
        "f05-not-replayed-after-the-grace",
        "A spent refresh token is not sent any more once its grace may be over, and a sign-in helps",
        |bench| Box::pin(after_the_grace(bench)),
    )
    .proves(&[Row::F(5)])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records, Control::VirtualTime])
    .settings(Settings::USUAL.rotating(MINUTE)),
    Case::new(
        GROUP,
        "f05-spent-token-is-never-sent-again",
        "Without a grace a lost answer asks for a sign-in, says why, and leaves the access token in use",
        |bench| Box::pin(never_again(bench)),
    )
    .proves(&[Row::F(5)])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records, Control::Resource])
    .settings(AT_ONCE),
    Case::new(
        GROUP,
        "f05-process-dies-after-sending",
        "What a process that died between sending and hearing has spent is not sent again by the next",
        |bench| Box::pin(dies(bench)),
    )
    .proves(&[Row::F(5), Row::F(3)])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records, Control::VirtualTime])
    .settings(AT_ONCE),
    Case::new(
        GROUP,
        "f06-unsent-is-sent-again",
        "A refresh of which nothing was sent is sent again, also where its token is spent on use",
        |bench| Box::pin(unsent(bench)),
    )
    .proves(&[Row::F(6)])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records])
    .settings(AT_ONCE),
    Case::new(
        GROUP,
        "f06-maybe-sent-is-not-sent-again",
        "A refresh that may have arrived is not sent again, however its answer was lost or spoiled",
        |bench| Box::pin(maybe_sent(bench)),
    )
    .proves(&[Row::F(6), Row::F(5)])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Words])
    .settings(AT_ONCE),
    Case::new(
        GROUP,
        "f06-reusable-is-sent-again",
        "A refresh whose answer was lost is sent again where its token is not spent by that",
        |bench| Box::pin(reusable(bench)),
    )
    .proves(&[Row::F(6)])
    .claims(&[Claim::Refresh])
    .applies(stays),
    Case::new(
        GROUP,
        "f10-refresh-token-is-kept",
        "A refresh token that the answer does not repeat is kept, with its end",
        |bench| Box::pin(kept(bench)),
    )
    .proves(&[Row::F(10), Row::Rfc("6749 §6")])
    .claims(&[Claim::Refresh]),
];

fn stays(claims: &Capabilities) -> Applies {
    match claims.refresh {
        RefreshSupport::Reusable => Applies::Yes,
        _ => Applies::No("its refresh tokens may be spent on use"),
    }
}

async fn inside_the_grace(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::Refresh, Fault::LoseAnswer)?;
    session.refresh().await?;
    let seen = bench.seen(Op::Refresh)?;
    let spent: Vec<bool> = seen.iter().map(|seen| seen.spent_refresh_token).collect();
    expect::same("refreshes, and whether their token was spent", spent, [false, true])?;
    expect::same("refreshes that were done", seen.iter().filter(|s| s.done).count(), 2)?;
    // The token of the second answer is the one that buys the next.
    session.refresh().await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::state(&session, Status::Active)
}

async fn after_the_grace(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::Refresh, Fault::LoseAnswer)?;
    let refresh = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    bench.settle().await;
    expect::same("refreshes whose answer was lost", bench.sent(Op::Refresh), 1)?;
    bench.suspend(2 * MINUTE).await;
    expect::same("whether the access token is in use", session.current().is_some(), true)?;
    bench.pass(15 * MINUTE).await;
    drop(crate::steps::done(refresh).await?);
    expect::same("refreshes at the server", bench.seen(Op::Refresh)?.len(), 1)?;
    expect::same("sign-ins", bench.granted(Op::SignIn), 2)?;
    expect::state(&session, Status::Active)
}

async fn never_again(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.reauthentication(Reauthentication::Manual)).await?;
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    bench.next(Op::Refresh, Fault::LoseAnswer)?;
    expect::fails("the refresh", ErrorKind::Ambiguous, session.refresh().await)?;
    bench.pass(5 * MINUTE).await;
    expect::state(&session, Status::ReauthRequired)?;
    let reply = bench.call(&session).await?;
    expect::same("a call with the token of before", (reply.status / 100, reply.sends), (2, 1))?;
    bench.pass(MINUTE * 60 * 24).await;
    expect::holds("a caller who hears what is wrong", session.authorization().await.is_err())?;
    expect::same("refreshes at the server in a day", bench.seen(Op::Refresh)?.len(), 1)?;
    session.sign_in().await?;
    session.authorization().await?;
    expect::state(&session, Status::Active)
}

/// Ends its process when the first answer to a refresh has come, before anything is made of it.
#[derive(Default)]
struct Dies {
    armed: AtomicBool,
    dead: AtomicBool,
}

struct Shared(std::sync::Arc<Dies>);

impl EffectFilter for Shared {
    fn event(&self, _: KeyDigest, event: &Event) {
        let answered = matches!(event, Event::Flight(_, Report::Answered(Answer::Tokens { .. })));
        if answered && self.0.armed.load(Ordering::SeqCst) {
            self.0.dead.store(true, Ordering::SeqCst);
        }
    }

    fn effect(&self, _: KeyDigest, effect: Effect) -> Vec<Effect> {
        if self.0.dead.load(Ordering::SeqCst) { Vec::new() } else { vec![effect] }
    }
}

async fn dies(bench: Bench) -> Result<(), Finding> {
    let death = std::sync::Arc::new(Dies::default());
    let mortal = bench.process_with(|builder| builder.effect_filter(Shared(death.clone())))?;
    let session = mortal.sign_in().await?;
    death.armed.store(true, Ordering::SeqCst);
    let old = session.authorization().await?.generation();
    session.reject(old);
    bench.until("the death", MINUTE, || death.dead.load(Ordering::SeqCst)).await?;
    bench.mark("the process is dead; another one opens");
    let next = bench.process()?.open_with(|builder| builder.deadline(10 * MINUTE)).await?;
    expect::same("whether the access token is served", next.current().is_some(), true)?;
    bench.pass(5 * MINUTE).await;
    expect::same("refreshes at the server", bench.seen(Op::Refresh)?.len(), 1)?;
    expect::state(&next, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)?;
    expect::same("whether it has another token", next.status().generation == Some(old), false)
}

async fn unsent(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.meets(Op::Refresh, Fault::Refuse, Times::Next(3))?;
    session.refresh().await?;
    expect::same("tries", bench.sent(Op::Refresh), 4)?;
    expect::same("refreshes at the server", bench.seen(Op::Refresh)?.len(), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::state(&session, Status::Active)
}

async fn maybe_sent(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let losses = [
        Fault::Cut,
        Fault::LoseAnswer,
        Fault::CutAt(10),
        Fault::Shortened(10),
        Fault::GATEWAY_PAGE,
        Fault::ServerError,
        Fault::Hang,
        Fault::Flood,
    ];
    for loss in losses {
        let name = loss.name();
        let (refreshes, sign_ins) = (bench.sent(Op::Refresh), bench.sent(Op::SignIn));
        let old = session.authorization().await?.generation();
        bench.next(Op::Refresh, loss)?;
        session.reject(old);
        let new = || session.current().is_some_and(|now| now.generation() != old);
        bench.until("another token", 10 * MINUTE, new).await?;
        let sent = (bench.sent(Op::Refresh) - refreshes, bench.sent(Op::SignIn) - sign_ins);
        expect::same(&format!("{name}: refreshes and sign-ins"), sent, (1, 1))?;
        // The refusal that began it is forgotten by then.
        session.sign_in().await?;
        bench.pass(MINUTE).await;
    }
    Ok(())
}

async fn reusable(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    for loss in [Fault::Cut, Fault::LoseAnswer, Fault::CutAt(10)] {
        let before = bench.sent(Op::Refresh);
        bench.next(Op::Refresh, loss)?;
        session.refresh().await?;
        expect::same("refreshes", bench.sent(Op::Refresh) - before, 2)?;
        expect::state(&session, Status::Active)?;
    }
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn kept(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let end = session.status().refresh_expires_at;
    for _ in 0..3 {
        bench.pass(MINUTE).await;
        session.refresh().await?;
    }
    expect::same("refreshes", bench.granted(Op::Refresh), 3)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    if bench.claims().refresh == RefreshSupport::Reusable {
        expect::same("the end of the refresh token", session.status().refresh_expires_at, end)?;
    }
    Ok(())
}
