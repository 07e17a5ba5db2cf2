//! Clocks that are wrong, jump or stand still, ours and the server's.

use std::time::Duration;

use countersign_core::Capabilities;
use countersign_core::session::Status;
use countersign_runtime::{Session, SessionEventKind};

use crate::bench::Bench;
use crate::case::{Applies, Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::target::{Control, Settings};

const GROUP: &str = "clocks";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const HOURLY: Settings = Settings::USUAL.access_life(HOUR);
const DAY_MS: i64 = 86_400_000;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f17-server-twenty-seconds-ahead",
        "With a server whose clock is 20 seconds ahead no call fails",
        |bench| Box::pin(no_call_fails(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY.server_ahead_ms(20_000)),
    Case::new(
        GROUP,
        "f17-server-two-minutes-behind",
        "With a server whose clock is two minutes behind no call fails",
        |bench| Box::pin(no_call_fails(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY.server_ahead_ms(-120_000))
    .applies(without_codes),
    Case::new(
        GROUP,
        "f17-server-a-day-ahead",
        "With a server whose clock is a day ahead its refusals win, and every call comes through",
        |bench| Box::pin(every_call_comes_through(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY.server_ahead_ms(DAY_MS))
    .applies(timeless_sign_in),
    Case::new(
        GROUP,
        "f17-server-a-day-behind",
        "With a server whose clock is a day behind every call comes through, without a loop",
        |bench| Box::pin(every_call_comes_through(bench)),
    )
    .proves(&[Row::F(17), Row::F(13)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY.server_ahead_ms(-DAY_MS))
    .applies(timeless_sign_in),
    Case::new(
        GROUP,
        "f17-one-wrong-date-changes-nothing",
        "One answer with a wrong date moves no end of a token and no code",
        |bench| Box::pin(one_wrong_date(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY),
    Case::new(
        GROUP,
        "f17-kept-dates-are-not-believed",
        "Dates of answers that a cache has kept move no end of a token and no code",
        |bench| Box::pin(kept_dates(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY),
    Case::new(
        GROUP,
        "f17-measured-skew-is-made-up-for",
        "Codes for a server that is two minutes ahead are right once two of its answers have told its time",
        |bench| Box::pin(made_up_for(bench)),
    )
    .proves(&[Row::F(17), Row::P(8)])
    .claims(&[Claim::CodePerRequest, Claim::SignInCode])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY.server_ahead_ms(120_000))
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "f17-large-skew-is-told-once",
        "A server whose dates are an hour off is told once and not believed",
        |bench| Box::pin(told_once(bench)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY),
    Case::new(
        GROUP,
        "f17-local-clock-set-back",
        "A local clock that is set back by two hours delays no renewal and loses no call",
        |bench| Box::pin(set_by(bench, -7_200_000)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::Clock, Control::VirtualTime])
    .settings(HOURLY)
    .applies(without_codes),
    Case::new(
        GROUP,
        "f17-local-clock-set-forward",
        "A local clock that is set forward by two hours costs a renewal and no call",
        |bench| Box::pin(set_by(bench, 7_200_000)),
    )
    .proves(&[Row::F(17)])
    .controls(&[Control::Resource, Control::Clock, Control::VirtualTime])
    .settings(HOURLY)
    .applies(without_codes),
    Case::new(
        GROUP,
        "f18-suspended-past-the-renewal",
        "After a suspend past the time of renewal the token is renewed within half a minute, before anybody asks",
        |bench| Box::pin(suspended(bench, 54 * MINUTE + 35 * SECOND, true)),
    )
    .proves(&[Row::F(18)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY),
    Case::new(
        GROUP,
        "f18-suspended-while-the-timer-stood",
        "The same where the monotonic clock stands still in a suspend",
        |bench| Box::pin(suspended(bench, 3 * HOUR, false)),
    )
    .proves(&[Row::F(18)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(HOURLY),
];

/// A code is made of the time: beyond a few seconds the server takes none, and what is measured is made
/// up for to five minutes only.
fn without_codes(claims: &Capabilities) -> Applies {
    match claims.code_per_request {
        Some(_) => Applies::No("its codes need clocks that agree; else its sign-ins are refused"),
        None => Applies::Yes,
    }
}

/// A proof of a password may hold the time too.
fn timeless_sign_in(claims: &Capabilities) -> Applies {
    match claims.sign_in_code {
        Some(_) => {
            Applies::No("its sign-ins carry the time, and a clock that far off is only told")
        }
        None => Applies::Yes,
    }
}

/// Calls five minutes apart: how many were good, and how many took more than one request.
async fn calls(n: usize, bench: &Bench, session: &Session) -> Result<(usize, usize), Finding> {
    let (mut good, mut replayed) = (0, 0);
    for _ in 0..n {
        let reply = bench.call(session).await?;
        good += usize::from(reply.is_good());
        replayed += usize::from(reply.sends > 1);
        bench.pass(5 * MINUTE).await;
    }
    Ok((good, replayed))
}

async fn no_call_fails(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let (good, replayed) = calls(36, &bench, &session).await?;
    expect::same("good calls of 36, and calls that were made twice", (good, replayed), (36, 0))?;
    let bought = bench.granted(bench.renewal());
    expect::holds_or("3 to 8 renewals in three hours", (2..=8).contains(&bought), bought)
}

async fn every_call_comes_through(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let (good, _) = calls(36, &bench, &session).await?;
    expect::same("good calls of 36", good, 36)?;
    let bought = bench.sent(Op::Auth);
    expect::holds_or("3 to 24 exchanges in three hours", (3..=24).contains(&bought), bought)
}

async fn one_wrong_date(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::Auth, Fault::WrongDate(200_000))?;
    let session = bench.open().await?;
    let given = session.authorization().await?;
    let left = given.expires_at().since(bench.now());
    let off = left.max(HOUR) - left.min(HOUR);
    expect::holds_or("an hour of life", off <= 2 * SECOND, format!("{left:?}"))?;
    let (good, replayed) = calls(36, &bench, &session).await?;
    expect::same("good calls of 36, and calls that were made twice", (good, replayed), (36, 0))
}

async fn made_up_for(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.deadline(10 * MINUTE)).await?;
    // Each answer to a wrong code tells the server's time too; one alone is not believed.
    let first = session.sign_in().await;
    expect::holds("a first sign-in with codes of our own time is refused", first.is_err())?;
    let refused = bench.sent(Op::SignIn);
    expect::holds_or("one or two sign-ins that were refused", (1..=2).contains(&refused), refused)?;
    while session.sign_in().await.is_err() {
        expect::holds("a sign-in after two answers", bench.sent(Op::SignIn) <= refused + 1)?;
    }
    // Dates count whole seconds: at the very edge of a step the first try may be one off, and is made good.
    bench.middle_of_a_step().await;
    let (good, replayed) = calls(24, &bench, &session).await?;
    expect::same("good calls of 24, and calls that were made twice", (good, replayed), (24, 0))?;
    expect::state(&session, Status::Active)
}

async fn kept_dates(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::Auth, Fault::KeptDate(200_000), Times::Always)?;
    let session = bench.open().await?;
    session.authorization().await?;
    for _ in 0..3 {
        bench.pass(5 * MINUTE).await;
        let left = session.refresh().await?.expires_at().since(bench.now());
        let off = left.max(HOUR) - left.min(HOUR);
        expect::holds_or("an hour of life", off <= 2 * SECOND, format!("{left:?}"))?;
        let reply = bench.call(&session).await?;
        expect::same("a call", (reply.status / 100, reply.sends), (2, 1))?;
    }
    Ok(())
}

async fn told_once(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::Auth, Fault::WrongDate(3_600_000), Times::Always)?;
    let session = bench.open().await?;
    let mut events = session.events();
    let (good, replayed) = calls(36, &bench, &session).await?;
    expect::same("good calls of 36, and calls that were made twice", (good, replayed), (36, 0))?;
    let skew = |kind: &SessionEventKind| matches!(kind, SessionEventKind::SkewTooLarge { .. });
    let told = std::iter::from_fn(|| events.try_recv()).filter(|e| skew(&e.kind)).count();
    expect::same("how often it was told", told, 1)
}

async fn set_by(bench: Bench, millis: i64) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    bench.call(&session).await?;
    bench.pass(20 * MINUTE).await;
    bench.call(&session).await?;
    // The server lives in the same time; its own clock stays where it was.
    bench.controls()?.shift_clock(-millis);
    bench.set_wall_by(millis).await;
    bench.pass(MINUTE).await;
    let held = calls(8, &bench, &session).await?;
    expect::same("good calls of 8 around the end of the token, and how many twice", held, (8, 0))?;
    // Later tokens may be dated by a server that is two hours off now: then its refusal tells.
    let (good, _) = calls(28, &bench, &session).await?;
    expect::same("good calls of 28", good, 28)?;
    expect::state(&session, Status::Active)?;
    let bought = bench.granted(bench.renewal());
    expect::holds_or("2 to 24 renewals in three hours", (2..=24).contains(&bought), bought)
}

async fn suspended(bench: Bench, span: Duration, timer_runs: bool) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let old = session.authorization().await?.generation();
    bench.pass(5 * MINUTE).await;
    if timer_runs {
        bench.suspend(span).await;
    } else {
        bench.set_wall_by(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)).await;
    }
    bench.pass(35 * SECOND).await;
    expect::state(&session, Status::Active)?;
    let new = session.status().generation;
    expect::same("the token of before the suspend", new == Some(old), false)?;
    let reply = bench.call(&session).await?;
    expect::same("a call", (reply.status / 100, reply.sends), (2, 1))?;
    let granted = bench.granted(Op::SignIn) + bench.granted(Op::Refresh);
    expect::same("tokens bought in all", granted, 2)
}
