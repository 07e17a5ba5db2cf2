//! Throttles and outages, and whom they stop.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{AuthProvider, ErrorKind, Realm, Recovery};
use countersign_runtime::{Session, SessionEventKind};

use crate::around::{Adapter, Around};
use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::{Fault, RetryAfter, Times};
use crate::operation::Op;
use crate::reading::{fails, told};
use crate::target::Control;

const GROUP: &str = "throttles";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const fn case(
    id: &'static str,
    title: &'static str,
    run: fn(Bench) -> crate::case::Running,
) -> Case {
    Case::new(GROUP, id, title, run).controls(&[Control::Words, Control::VirtualTime])
}

pub(crate) const CASES: &[Case] = &[
    case(
        "f50-throttle-of-one-client",
        "A client that is told to wait waits with all its sessions, and no other client of the provider does",
        |bench| Box::pin(throttled(bench)),
    )
    .proves(&[Row::F(50)]),
    case(
        "f50-outage-of-one-tenant",
        "The outage of one tenant opens no circuit for another tenant of the same provider",
        |bench| Box::pin(outage(bench)),
    )
    .proves(&[Row::F(50), Row::F(14)]),
    case(
        "f49-absurd-wait-is-capped",
        "A server that asks to be left alone for centuries is asked again within a quarter of an hour, and the cap is told",
        |bench| Box::pin(absurd(bench, RetryAfter::Seconds(u64::MAX))),
    )
    .proves(&[Row::F(49), Row::F(50)]),
    case(
        "f50-long-wait-is-capped",
        "A server that asks for a day is asked again within a quarter of an hour, and the cap is told",
        |bench| Box::pin(absurd(bench, RetryAfter::Seconds(86_400))),
    )
    .proves(&[Row::F(50)]),
    case(
        "f50-wait-is-kept",
        "A server that asks for two minutes is left alone for two minutes, by all processes' callers",
        |bench| Box::pin(kept(bench, RetryAfter::Seconds(120))),
    )
    .proves(&[Row::F(50), Row::Rfc("9110 §10.2.3")]),
    case(
        "f50-wait-until-a-date",
        "A server that names a date is left alone until then, as one that names seconds is",
        |bench| Box::pin(kept(bench, RetryAfter::Date(120))),
    )
    .proves(&[Row::F(50), Row::Rfc("9110 §10.2.3")]),
    case(
        "f50-throttle-without-a-time",
        "A server that throttles and names no time is asked ever more seldom, and comes back",
        |bench| Box::pin(silent(bench)),
    )
    .proves(&[Row::F(50), Row::F(14)]),
];

/// The adapter of a case for another client of the same server.
struct OtherClient {
    real: Arc<dyn AuthProvider>,
    realm: Realm,
}

impl OtherClient {
    fn of(bench: &Bench) -> Arc<dyn AuthProvider> {
        let real = Arc::clone(bench.adapter());
        let mut realm = real.realm().clone();
        realm.client = "another-client".into();
        bench.as_engine_has(Arc::new(Adapter(Self { real, realm })))
    }
}

impl Around for OtherClient {
    fn real(&self) -> &dyn AuthProvider {
        &*self.real
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }
}

async fn of_another_client(bench: &Bench) -> Result<Session, Finding> {
    let account = bench.account();
    let keeper = bench.first()?.keeper().clone();
    let builder = keeper.session_of(OtherClient::of(bench), &account.identity);
    Ok(builder.credentials(account.credentials.clone()).open().await?)
}

/// A second session of the same client.
async fn neighbour(bench: &Bench) -> Result<Session, Finding> {
    let name = format!("other-{}", bench.account().identity);
    let credentials = bench.account().credentials.clone().with_identity(&name);
    bench.first()?.open_as(&name, credentials).await
}

async fn throttled(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    bench.next(Op::SignIn, Fault::TooManyRequests(RetryAfter::Seconds(600)))?;
    let end = session.authorization_within(SECOND).await;
    let error = fails("the throttled call", &[ErrorKind::RateLimited], end)?;
    let waits = matches!(error.recovery(), Recovery::WaitUntil(_));
    expect::holds_or("an error that names the time", waits, &error)?;
    let neighbour = neighbour(&bench).await?;
    fails(
        "a neighbour's call",
        &[ErrorKind::RateLimited],
        neighbour.authorization_within(SECOND).await,
    )?;
    expect::same("sign-ins of the throttled client", bench.sent(Op::SignIn), 1)?;
    let other = of_another_client(&bench).await?;
    other.authorization_within(5 * SECOND).await?;
    expect::same("sign-ins with the other client's", bench.sent(Op::SignIn), 2)?;
    expect::state(&other, Status::Active)
}

async fn outage(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.keep_alive()).await?;
    bench.outage(true)?;
    for _ in 0..60 {
        expect::holds("a call in the outage", session.authorization_within(SECOND).await.is_err())?;
        bench.pass(10 * SECOND).await;
    }
    bench.outage(false)?;
    // The circuit of the one may still be open; the other has none.
    let other = of_another_client(&bench).await?;
    // Both sign in as the same person: where that takes a code, this step's may be used up.
    let codes = 2 * bench.claims().sign_in_code.unwrap_or_default();
    let before = bench.elapsed();
    other.authorization_within(5 * SECOND + codes).await?;
    let took = bench.elapsed().saturating_sub(before);
    expect::holds_or("a token at once", took <= SECOND + codes, format!("{took:?}"))?;
    bench.until("the first one again", 15 * MINUTE, || session.current().is_some()).await
}

async fn absurd(bench: Bench, after: RetryAfter) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.keep_alive()).await?;
    let mut events = session.events();
    bench.next(Op::SignIn, Fault::TooManyRequests(after))?;
    let error = expect::there("an error", session.authorization_within(SECOND).await.err())?;
    crate::reading::plain(&error)?;
    let capped = told(&mut events).into_iter().find_map(|kind| match kind {
        SessionEventKind::WaitCapped { until } => Some(until),
        _ => None,
    });
    let until = expect::there("an event that tells the cap", capped)?;
    let wait = until.since(bench.now());
    expect::holds_or("a cap of a quarter of an hour", wait <= 15 * MINUTE, format!("{wait:?}"))?;
    bench.pass(10 * MINUTE).await;
    expect::same("sign-ins meanwhile", bench.sent(Op::SignIn), 1)?;
    bench.until("the session", 10 * MINUTE, || session.state() == Status::Active).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn kept(bench: Bench, wait: RetryAfter) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.keep_alive()).await?;
    bench.next(Op::SignIn, Fault::TooManyRequests(wait))?;
    for _ in 0..11 {
        let end = session.authorization_within(SECOND).await;
        expect::holds("a call meanwhile", end.is_err())?;
        bench.pass(9 * SECOND).await;
    }
    expect::same("sign-ins in the two minutes", bench.sent(Op::SignIn), 1)?;
    bench.until("the session", 2 * MINUTE, || session.state() == Status::Active).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn silent(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|b| b.keep_alive()).await?;
    bench.meets(Op::SignIn, Fault::TooManyRequests(RetryAfter::Silent), Times::Always)?;
    for _ in 0..60 {
        let end = session.authorization_within(SECOND).await;
        expect::holds("a call meanwhile", end.is_err())?;
        bench.pass(59 * SECOND).await;
    }
    let sent = bench.sent(Op::SignIn);
    expect::holds_or("2 to 40 sign-ins in an hour", (2..=40).contains(&sent), sent)?;
    bench.all_well();
    bench.until("the session", HOUR, || session.state() == Status::Active).await
}
