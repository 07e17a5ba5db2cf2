//! Processes that share one session through a store: who redeems, who waits, who has lost.

use std::time::Duration;

use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Capabilities, ErrorKind, RefreshSupport};

use crate::bench::Bench;
use crate::case::{Applies, Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::{Control, RefreshTokens, Settings};

const GROUP: &str = "siblings";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f03-one-exchange-for-two-processes",
        "Two processes that need the next token at once buy it once, and both use it",
        |bench| Box::pin(one_exchange(bench)),
    )
    .proves(&[Row::F(3)]),
    Case::new(
        GROUP,
        "f03-rotating-token-is-redeemed-once",
        "Five processes that renew together never present a refresh token that is spent",
        |bench| Box::pin(redeemed_once(bench)),
    )
    .proves(&[Row::F(3), Row::Rfc("9700 §4.14")])
    .claims(&[Claim::Rotation])
    .controls(&[Control::Records])
    .settings(Settings::USUAL.rotating(Duration::ZERO)),
    Case::new(
        GROUP,
        "f04-loser-adopts-the-winner",
        "A refresh that is refused after a sibling has signed in anew takes the sibling's token over and changes nothing",
        |bench| Box::pin(loser_adopts(bench)),
    )
    .proves(&[Row::F(4)])
    .claims(&[Claim::Refresh])
    .controls(&[Control::Revoke]),
    Case::new(
        GROUP,
        "f04-refused-refresh-deletes-nothing",
        "A refused refresh asks for a sign-in and leaves the record and the good access token where they are",
        |bench| Box::pin(deletes_nothing(bench)),
    )
    .proves(&[Row::F(4), Row::Rfc("6749 §5.2")])
    .claims(&[Claim::Refresh])
    .controls(&[Control::Revoke]),
    Case::new(
        GROUP,
        "f04-sign-out-leaves-a-tombstone",
        "A process that has not heard of a sign-out finds it in the store before it sends anything",
        |bench| Box::pin(tombstone(bench)),
    )
    .proves(&[Row::F(4)]),
    Case::new(
        GROUP,
        "f08-suspended-under-the-lock",
        "A process that was suspended while it held the lock sends nothing of what it knew before",
        |bench| Box::pin(suspended(bench)),
    )
    .proves(&[Row::F(8)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f08-lease-is-checked-before-sending",
        "Who comes late to the sending lengthens the lease first, so that nobody else gets in meanwhile",
        |bench| Box::pin(lease_checked(bench)),
    )
    .proves(&[Row::F(8), Row::F(27)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f27-lock-outlives-a-slow-exchange",
        "A sibling that waits for an exchange of 25 seconds waits to its end and buys nothing itself",
        |bench| Box::pin(slow_exchange(bench)),
    )
    .proves(&[Row::F(27)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f27-late-writer-adopts",
        "Who has lost the lock before writing takes over what the next holder has written",
        |bench| Box::pin(late_writer(bench)),
    )
    .proves(&[Row::F(27), Row::F(4)])
    .controls(&[Control::VirtualTime])
    .applies(sends_again),
    Case::new(
        GROUP,
        "f27-release-is-the-owners",
        "Who has lost the lock does not let go that of the next holder",
        |bench| Box::pin(release(bench)),
    )
    .proves(&[Row::F(27)])
    .controls(&[Control::VirtualTime])
    .applies(sends_again),
];

/// Where an exchange of unknown end may be followed by another of the same kind.
fn sends_again(claims: &Capabilities) -> Applies {
    match claims.refresh {
        RefreshSupport::Absent | RefreshSupport::Reusable => Applies::Yes,
        _ => Applies::No("a refresh token that may be spent is not sent by the next holder either"),
    }
}

async fn one_exchange(bench: Bench) -> Result<(), Finding> {
    let pair = bench.siblings(2).await?;
    let old = pair[0].authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let gate = bench.hold(renewal);
    pair.iter().for_each(|session| session.reject(old));
    let callers = [caller(&pair[0]), caller(&pair[1])];
    gate.reached().await;
    bench.settle().await;
    gate.open();
    let [one, other] = callers;
    let (one, other) = (done(one).await??, done(other).await??);
    expect::same("the tokens of both", one, other)?;
    expect::same("the refused token again", one == old, false)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn redeemed_once(bench: Bench) -> Result<(), Finding> {
    let processes = bench.siblings(5).await?;
    bench.meets(Op::Refresh, Fault::Delay(2 * SECOND), Times::Always)?;
    for _ in 0..6 {
        let refreshes = processes.iter().cloned().map(|session| {
            tokio::spawn(async move { session.refresh().await.map(|a| a.generation()) })
        });
        for refresh in refreshes.collect::<Vec<_>>() {
            done(refresh).await??;
        }
        bench.pass(MINUTE).await;
    }
    let seen = bench.seen(Op::Refresh)?;
    let spent = seen.iter().filter(|seen| seen.spent_refresh_token).count();
    expect::same("spent refresh tokens at the server", spent, 0)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let generations = processes.iter().map(|session| session.status().generation);
    let distinct: std::collections::BTreeSet<_> = generations.collect();
    expect::same("tokens in use at the end", distinct.len(), 1)
}

async fn loser_adopts(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    bench.without_locks();
    let pair = bench.siblings(2).await?;
    let (winner, loser) = (&pair[0], &pair[1]);
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Revoke);
    let gate = bench.hold(Op::Refresh);
    loser.reject(loser.authorization().await?.generation());
    gate.reached().await;
    bench.mark("the refusal is on its way; the sibling signs in");
    winner.sign_in().await?;
    let won = winner.authorization().await?.generation();
    gate.open();
    let theirs = loser.authorization().await?.generation();
    expect::same("the token of the one that was refused", theirs, won)?;
    bench.pass(2 * MINUTE).await;
    let third = bench.process()?.open().await?;
    expect::same("the token in the store", third.status().generation, Some(won))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn deletes_nothing(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.reauthentication(Reauthentication::Manual)).await?;
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    let held = session.status().generation;
    let records = bench.store().list().await?.len();
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Revoke);
    expect::holds("a refresh that is refused", session.refresh().await.is_err())?;
    // Where a refusal may be something else, a second one decides.
    bench.pass(5 * MINUTE).await;
    expect::state(&session, Status::ReauthRequired)?;
    expect::same("the access token that is handed out", session.current().is_some(), true)?;
    expect::same("records in the store", bench.store().list().await?.len(), records)?;
    let other = bench.process()?.open_bare().await?;
    expect::same("the token in the store", other.status().generation, held)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn tombstone(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    let pair = bench.siblings(2).await?;
    pair[0].sign_out(MINUTE).await;
    let before = bench.sent(Op::Any);
    expect::fails("a renewal after it", ErrorKind::SignedOut, pair[1].refresh().await)?;
    expect::state(&pair[1], Status::SignedOut)?;
    expect::same("requests of the one that had not heard", bench.sent(Op::Any) - before, 0)?;
    let third = bench.process()?.open().await?;
    expect::fails("a process that comes later", ErrorKind::SignedOut, third.authorization().await)?;
    expect::same("requests of the one that came later", bench.sent(Op::Any) - before, 0)
}

async fn suspended(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    let pair = bench.siblings(2).await?;
    let old = pair[0].authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let reading = bench.hold_read();
    pair[0].reject(old);
    reading.reached().await;
    bench.suspend(10 * MINUTE).await;
    pair[1].reject(old);
    let bought = pair[1].authorization().await?.generation();
    expect::same("renewals by the one that was awake", bench.sent(renewal) - before, 1)?;
    reading.open();
    let theirs = pair[0].authorization().await?.generation();
    expect::same("the token of the one that slept", theirs, bought)?;
    bench.pass(5 * MINUTE).await;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn lease_checked(bench: Bench) -> Result<(), Finding> {
    let pair = bench.siblings(2).await?;
    let old = pair[0].authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let reading = bench.hold_read();
    pair[0].reject(old);
    reading.reached().await;
    bench.pass(50 * SECOND).await;
    let answer = bench.hold(renewal);
    reading.open();
    answer.reached().await;
    pair[1].reject(old);
    let waiting = caller(&pair[1]);
    bench.pass(25 * SECOND).await;
    expect::same("renewals while the first is under way", bench.sent(renewal) - before, 1)?;
    answer.open();
    let theirs = done(waiting).await??;
    expect::same("the token of the one that waited", Some(theirs), pair[0].status().generation)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn slow_exchange(bench: Bench) -> Result<(), Finding> {
    let pair = bench.siblings(2).await?;
    let old = pair[0].authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    bench.next(renewal, Fault::Delay(25 * SECOND))?;
    pair.iter().for_each(|session| session.reject(old));
    let callers = [caller(&pair[0]), caller(&pair[1])];
    let [one, other] = callers;
    let (one, other) = (done(one).await??, done(other).await??);
    expect::same("the tokens of both", one, other)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn late_writer(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    let pair = bench.siblings(2).await?;
    let (writing, bought) = overtaken(&bench, &pair).await?;
    writing.open();
    bench.pass(5 * MINUTE).await;
    let theirs = pair[0].authorization().await?.generation();
    expect::same("the token of the one that wrote too late", theirs, bought)?;
    let third = bench.process()?.open().await?;
    expect::same("the token in the store", third.status().generation, Some(bought))?;
    expect::same("whether the late one has everything saved", pair[0].status().saved, true)
}

/// The first was answered, and suspended before it could write; the second has taken the lock and
/// bought a token.
async fn overtaken(
    bench: &Bench,
    pair: &[countersign_runtime::Session],
) -> Result<(crate::fault::Gate, countersign_core::Generation), Finding> {
    let old = pair[0].authorization().await?.generation();
    let answer = bench.hold(bench.renewal());
    pair[0].reject(old);
    answer.reached().await;
    let writing = bench.hold_write();
    answer.open();
    writing.reached().await;
    bench.suspend(10 * MINUTE).await;
    pair[1].reject(old);
    let bought = pair[1].authorization().await?.generation();
    Ok((writing, bought))
}

async fn release(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    let three = bench.siblings(3).await?;
    let old = three[0].authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let first = bench.hold(renewal);
    three[0].reject(old);
    first.reached().await;
    let second = bench.hold(renewal);
    three[1].reject(old);
    // The first one began to write later than it locked, and so has that time left to give up in after
    // its lock is the second's.
    bench.pass(2 * SECOND).await;
    let writing = bench.hold_write();
    first.open();
    writing.reached().await;
    second.reached().await;
    bench.pass(3 * SECOND).await;
    three[2].reject(old);
    let waiting = caller(&three[2]);
    bench.pass(3 * SECOND).await;
    expect::same("renewals while the second is under way", bench.sent(renewal) - before, 2)?;
    second.open();
    let theirs = done(waiting).await??;
    expect::same("the token of the third", Some(theirs), three[1].status().generation)?;
    expect::same("renewals", bench.sent(renewal) - before, 2)
}
