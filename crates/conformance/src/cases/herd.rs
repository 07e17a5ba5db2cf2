//! Many who need a token at one moment: callers of one process, and the processes of a fleet.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_core::ErrorKind;
use countersign_core::session::{Purpose, Status};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::{Control, Settings};

const GROUP: &str = "concurrency";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f01-herd-at-a-renewal",
        "Callers who come while a refused token is replaced share the one exchange that replaces it",
        |bench| Box::pin(herd_at_a_renewal(bench)),
    )
    .proves(&[Row::F(1)]),
    Case::new(
        GROUP,
        "f01-herd-shares-a-refusal",
        "Callers who wait for a sign-in that is refused share its error, and the session recovers",
        |bench| Box::pin(herd_shares_a_refusal(bench)),
    )
    .proves(&[Row::F(1)])
    .controls(&[Control::Password])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f07-dropped-at-a-renewal",
        "Callers who go away while a token is renewed and written change nothing of either",
        |bench| Box::pin(dropped(bench)),
    )
    .proves(&[Row::F(7)]),
    Case::new(
        GROUP,
        "f02-spread-over-a-fleet",
        "A fleet that shares a token spreads its renewals before the latest moment, and one is enough",
        |bench| Box::pin(spread(bench, HOUR)),
    )
    .proves(&[Row::F(2)])
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f02-spread-grows-with-the-life",
        "A token that lives four times as long has its renewals spread over four times as long",
        |bench| Box::pin(spread(bench, HOUR.saturating_mul(4))),
    )
    .proves(&[Row::F(2)])
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR.saturating_mul(4))),
];

async fn herd_at_a_renewal(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let old = session.authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let gate = bench.hold(renewal);
    session.reject(old);
    gate.reached().await;
    let callers: Vec<_> = (0..200).map(|_| caller(&session)).collect();
    bench.settle().await;
    gate.open();
    let mut given = BTreeSet::new();
    for caller in callers {
        given.insert(done(caller).await??);
    }
    expect::same("tokens that callers were given", given.len(), 1)?;
    expect::same("callers with the refused token", given.contains(&old), false)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn herd_shares_a_refusal(bench: Bench) -> Result<(), Finding> {
    let (identity, right) = (bench.account().identity.clone(), bench.secret()?);
    bench.controls()?.set_password(&identity, &bench.server().next_password());
    let session = bench.open_with(|builder| builder.deadline(HOUR)).await?;
    let callers: Vec<_> = (0..200).map(|_| caller(&session)).collect();
    let mut kinds = BTreeSet::new();
    for caller in callers {
        let kind = done(caller).await?.err().map(|error| error.kind());
        kinds.insert(format!("{kind:?}"));
    }
    let refusals = [ErrorKind::InvalidGrant, ErrorKind::InvalidClient];
    let refused = refusals.iter().any(|kind| kinds.contains(&format!("{:?}", Some(*kind))));
    expect::holds_or(
        "one refusal for every caller",
        refused && kinds.len() == 1,
        format!("{kinds:?}"),
    )?;
    // A refusal that may be something else is tried once more.
    let most = if bench.server().refusal_is_certain() { 1 } else { 2 };
    let sent = bench.sent(Op::SignIn);
    expect::holds_or(&format!("one to {most} sign-ins"), (1..=most).contains(&sent), sent)?;
    bench.controls()?.set_password(&identity, &right);
    session.sign_in().await?;
    session.authorization().await?;
    expect::state(&session, Status::Active)
}

async fn dropped(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let old = session.authorization().await?.generation();
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let answer = bench.hold(renewal);
    session.reject(old);
    let (first, second) = (caller(&session), caller(&session));
    answer.reached().await;
    first.abort();
    bench.settle().await;
    let writing = bench.hold_write();
    answer.open();
    writing.reached().await;
    second.abort();
    bench.settle().await;
    writing.open();
    bench.until("a new token", HOUR, || session.current().is_some()).await?;
    let other = bench.process()?.open().await?;
    let held = session.status().generation;
    expect::same("the token in the store", other.status().generation, held)?;
    expect::same("the refused token again", held == Some(old), false)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn spread(bench: Bench, life: Duration) -> Result<(), Finding> {
    let mut fleet = Vec::new();
    for _ in 0..10 {
        let session = bench.process()?.open_with(|builder| builder.keep_alive()).await?;
        session.authorization().await?;
        fleet.push(session);
    }
    let issued = expect::there("a token", fleet[0].status().issued_at)?;
    let mut moments = BTreeSet::new();
    for session in &fleet {
        let next = expect::there("an appointment", session.status().next)?;
        let is_renewal = matches!(next.0, Purpose::Renew { .. });
        expect::holds_or("an appointment to renew", is_renewal, format!("{:?}", next.0))?;
        moments.insert(next.1.since(issued));
    }
    let (earliest, latest) = bench.renewal_window(life);
    let (first, last) = (moments.iter().min().copied(), moments.iter().max().copied());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    expect::holds_or(
        &format!("renewals between {earliest:?} and {latest:?} of the life"),
        first + Duration::from_secs(1) >= earliest && last <= latest + Duration::from_secs(1),
        format!("{first:?} to {last:?}"),
    )?;
    let room = latest.saturating_sub(earliest);
    expect::holds_or(
        &format!("ten replicas spread over a good part of {room:?}"),
        last.saturating_sub(first) >= room / 4 && moments.len() >= 9,
        format!("{} moments within {:?}", moments.len(), last.saturating_sub(first)),
    )?;
    let before = bench.sent(bench.renewal());
    bench.pass(first.saturating_sub(Duration::from_secs(5)).saturating_sub(bench.elapsed())).await;
    expect::same("renewals before the first moment", bench.sent(bench.renewal()) - before, 0)?;
    bench.pass(life.saturating_sub(bench.elapsed())).await;
    expect::same("renewals of the whole fleet", bench.sent(bench.renewal()) - before, 1)
}
