//! How long a token lives: who knows it, who acts on it, and lives that are absurdly short.

use std::time::Duration;

use countersign_core::{EarliestRefresh, ErrorKind};
use countersign_runtime::SessionEventKind;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::target::{Control, Presented, Settings};

const GROUP: &str = "expiry";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "expiry-is-the-servers",
        "The end of a token is the one that the server means, and that of its headers is no other",
        |bench| Box::pin(the_servers(bench)),
    )
    .proves(&[Row::F(16), Row::Rfc("6749 §5.1"), Row::Rfc("7519 §4.1.4")])
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f16-handed-out-to-the-end",
        "In an outage a token is handed out to its last second by the one owner of its end, and not beyond",
        |bench| Box::pin(to_the_end(bench)),
    )
    .proves(&[Row::F(16), Row::F(11)])
    .controls(&[Control::Words, Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f13-lives-of-ninety-seconds",
        "Tokens that live for 90 seconds are renewed in time, without a loop, and that is told once",
        |bench| Box::pin(ninety_seconds(bench)),
    )
    .proves(&[Row::F(13)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(Duration::from_secs(90))),
    Case::new(
        GROUP,
        "f13-born-expired-is-no-loop",
        "Tokens that are over when they come cost a bounded number of exchanges",
        |bench| Box::pin(born_expired(bench)),
    )
    .proves(&[Row::F(13)])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(Duration::ZERO)),
    Case::new(
        GROUP,
        "f15-not-before-the-providers-bound",
        "Where refreshes are welcome only shortly before the end, none is sent earlier, not even at a start",
        |bench| Box::pin(providers_bound(bench)),
    )
    .proves(&[Row::F(15)])
    .claims(&[Claim::LateRefresh])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f15-same-token-back-is-no-loop",
        "A refresh that brings the token of before once more is no progress and no reason to ask at once",
        |bench| Box::pin(same_token(bench)),
    )
    .proves(&[Row::F(15)])
    .claims(&[Claim::Refresh])
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f19-good-for-as-long-as-asked",
        "A caller who needs a token for ten minutes is not given one that ends in five",
        |bench| Box::pin(as_long_as_asked(bench)),
    )
    .proves(&[Row::F(19)])
    .controls(&[Control::Words, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "f20-no-request-carries-an-old-credential",
        "In five hours of calls no request carries a token or a code that is over",
        |bench| Box::pin(no_old_credential(bench)),
    )
    .proves(&[Row::F(20)])
    .controls(&[Control::Resource, Control::Records, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
];

async fn the_servers(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::Auth, Fault::Delay(8 * SECOND), Times::Always)?;
    let session = bench.open().await?;
    let given = session.authorization().await?;
    // What counts is when the last request of the sign-in was sent, not when it was answered.
    let sent_at = bench.now().before(8 * SECOND);
    let (end, right) = (given.expires_at(), sent_at.after(HOUR));
    let off = end.since(right).max(right.since(end));
    let came = format!("{end}, {off:?} off");
    expect::holds_or(&format!("the end at {right}"), off <= SECOND, came)?;
    expect::same("the end in the status", session.status().expires_at, Some(end))?;
    if bench.claims().code_per_request.is_none() {
        expect::same("the end of the headers", given.valid_until(), end)?;
    }
    bench.all_well();
    bench.pass(10 * MINUTE).await;
    let refreshed = session.refresh().await?;
    let right = bench.now().after(HOUR);
    let off = refreshed.expires_at().since(right).max(right.since(refreshed.expires_at()));
    expect::holds_or(
        "the end of the next one an hour later",
        off <= 2 * SECOND,
        format!("{off:?} off"),
    )
}

async fn to_the_end(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let end = expect::there("the end of the token", session.status().expires_at)?;
    bench.outage(true)?;
    // The API counts whole seconds.
    bench.pass(end.before(2 * SECOND).since(bench.now())).await;
    let reply = bench.call(&session).await?;
    expect::same("a call two seconds before the end", (reply.status / 100, reply.sends), (2, 1))?;
    bench.pass(end.since(bench.now())).await;
    expect::same("a token at the end", session.current().is_some(), false)
}

async fn ninety_seconds(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let mut events = session.events();
    for _ in 0..90 {
        let reply = bench.call(&session).await?;
        expect::same("a call", (reply.status / 100, reply.sends), (2, 1))?;
        bench.pass(10 * SECOND).await;
    }
    let bought = bench.granted(bench.renewal());
    expect::holds_or(
        "10 to 20 renewals in a quarter of an hour",
        (10..=20).contains(&bought),
        bought,
    )?;
    let short = |kind: &SessionEventKind| matches!(kind, SessionEventKind::ShortLived { .. });
    let told = std::iter::from_fn(|| events.try_recv()).filter(|e| short(&e.kind)).count();
    expect::same("how often the short life was told", told, 1)
}

async fn born_expired(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let mut events = session.events();
    for _ in 0..60 {
        let soon = session.authorization_within(SECOND).await;
        if let Ok(given) = soon {
            let status = bench.present(&given).await?;
            expect::same("what the API says to a token that is over", status / 100, 4)?;
            session.reject(given.generation());
        }
        bench.pass(59 * SECOND).await;
    }
    let sent = bench.sent(Op::Auth);
    expect::holds_or("2 to 60 exchanges in an hour", (2..=60).contains(&sent), sent)?;
    let over = |kind: &SessionEventKind| matches!(kind, SessionEventKind::BornExpired);
    let told = std::iter::from_fn(|| events.try_recv()).filter(|e| over(&e.kind)).count();
    expect::holds_or("that they were over, told at most once", told <= 1, told)
}

async fn providers_bound(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let late = bench.claims().earliest_refresh == EarliestRefresh::MandatoryWindow;
    expect::holds("a claim of late refreshes", late)?;
    let end = expect::there("the end of the token", session.status().expires_at)?;
    while bench.now().after(90 * SECOND) < end {
        bench.call(&session).await?;
        let start = bench.process()?.open().await?;
        start.authorization().await?;
        bench.pass(5 * MINUTE).await;
        let early = bench.now().after(MINUTE) < end && bench.sent(Op::Refresh) > 0;
        expect::same("a refresh more than a minute before the end", early, false)?;
    }
    bench.pass(2 * MINUTE).await;
    bench.call(&session).await?;
    expect::same("refreshes of all processes", bench.sent(Op::Refresh), 1)
}

async fn same_token(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    session.refresh().await?;
    let before = bench.sent(Op::Refresh);
    bench.meets(Op::Refresh, Fault::Again, Times::Always)?;
    for _ in 0..60 {
        // What is brought back ends in the end: then a caller is told so.
        if let Some(given) = session.current() {
            let refused = bench.present(&given).await? == 401;
            if refused {
                session.reject(given.generation());
            }
        }
        bench.pass(MINUTE).await;
    }
    let sent = bench.sent(Op::Refresh) - before;
    expect::holds_or("1 to 20 refreshes in an hour", (1..=20).contains(&sent), sent)?;
    bench.all_well();
    bench.pass(15 * MINUTE).await;
    let reply = bench.call(&session).await?;
    expect::holds_or("a call once refreshes bring new tokens", reply.is_good(), reply.status)
}

async fn as_long_as_asked(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let end = expect::there("the end of the token", session.status().expires_at)?;
    bench.outage(true)?;
    bench.pass(end.before(5 * MINUTE).since(bench.now())).await;
    bench.all_well();
    let given = session.authorization_for(10 * MINUTE).await?;
    let left = given.expires_at().since(bench.now());
    expect::holds_or("ten minutes of life", left >= 10 * MINUTE, format!("{left:?}"))?;
    let before = bench.sent(Op::Any);
    session.authorization_for(20 * MINUTE).await?;
    expect::same("requests for what is there already", bench.sent(Op::Any) - before, 0)?;
    let too_long = session.authorization_for(3 * HOUR).await;
    expect::fails("a wish for three hours", ErrorKind::InvalidRequest, too_long).map(drop)
}

async fn no_old_credential(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    for _ in 0..240 {
        let given = session.authorization().await?;
        expect::same("whether headers are in time", given.valid_until() > bench.now(), true)?;
        bench.present(&given).await?;
        bench.pass(75 * SECOND).await;
    }
    let seen = bench.seen(Op::Resource)?;
    let old = seen.iter().filter(|seen| seen.token != Presented::Accepted).count();
    expect::same("calls with something that was not taken", old, 0)?;
    let tokens: std::collections::BTreeSet<_> = seen.iter().map(|seen| seen.generation).collect();
    expect::holds_or("at least four tokens in five hours", tokens.len() >= 4, tokens.len())
}
