//! A wall clock that is set back by a day under a session, and a process that comes after that.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign_core::{Clock, Monotonic, Timestamp};
use countersign_reqwest::Client;
use countersign_runtime::{Keeper, SystemClock};
use countersign_store_file::FileStore;

use super::Failure;
use crate::child::{Place, call, opened};
use crate::clock::pause;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Plan, Report, Task};
use crate::stage::Stage;

const LIFE: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 86_400_000;

/// Tokens that end while the test runs.
const SHORT: Duration = Duration::from_secs(2);

/// The system's clock, set by so many milliseconds.
#[derive(Clone)]
struct SetClock(SystemClock, Arc<AtomicI64>);

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.0.now().shifted(self.1.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Monotonic {
        self.0.monotonic()
    }

    async fn sleep_until(&self, deadline: Monotonic) {
        self.0.sleep_until(deadline).await;
    }
}

pub(super) async fn run(findings: &mut Findings) -> Result<(), Failure> {
    ends_all_the_same(findings).await?;
    for kind in [Kind::NoGrace, Kind::Grace, Kind::Absent] {
        let stage = Stage::new(kind, LIFE).await?;
        let set = Arc::new(AtomicI64::new(0));
        let clock = SetClock(SystemClock::new(), Arc::clone(&set));
        let plan = stage.plan(Task::Renew);
        let first = place(&plan, clock.clone()).await?;
        first.session.authorization().await?;
        set.store(-DAY_MS, Ordering::SeqCst);
        let mut calls = Report::default();
        call(&first.api, &first.url, &mut calls).await;
        let renewed = first.session.refresh().await.map(drop).map_err(|error| error.to_string());
        call(&first.api, &first.url, &mut calls).await;
        // Another process, whose clock was never right.
        let second = place(&plan, clock).await?;
        call(&second.api, &second.url, &mut calls).await;
        let again = second.session.refresh().await.map(drop).map_err(|error| error.to_string());
        call(&second.api, &second.url, &mut calls).await;
        let seen = stage.seen();
        let sign_ins = if kind == Kind::Absent { 3 } else { 1 };
        findings.claim(
            calls.ok == 4
                && renewed.is_ok()
                && again.is_ok()
                && seen.sign_ins == sign_ins
                && seen.spent_presented == 0,
            format!(
                "clock set back a day, {}: {} of 4 calls served, renewed {renewed:?} and {again:?}, {} sign-ins, {} spent tokens presented {:?}",
                kind.name(), calls.ok, seen.sign_ins, seen.spent_presented, calls.errors
            ),
        );
    }
    Ok(())
}

/// A token that ends at the provider is not served for a day more: the clock is noticed, or the API's refusal is.
async fn ends_all_the_same(findings: &mut Findings) -> Result<(), Failure> {
    let stage = Stage::new(Kind::NoGrace, SHORT).await?;
    let set = Arc::new(AtomicI64::new(0));
    let plan = stage.plan(Task::Renew);
    let first = place(&plan, SetClock(SystemClock::new(), Arc::clone(&set))).await?;
    first.session.authorization().await?;
    set.store(-DAY_MS, Ordering::SeqCst);
    let second = place(&plan, SetClock(SystemClock::new(), set)).await?;
    let mut calls = Report::default();
    let mut refused = Vec::new();
    for _ in 0..3 {
        pause(SHORT * 2).await;
        for place in [&first, &second] {
            call(&place.api, &place.url, &mut calls).await;
        }
        refused.push(stage.seen().unauthorized);
    }
    let seen = stage.seen();
    findings.claim(
        calls.ok == 6
            && seen.sign_ins == 1
            && seen.spent_presented == 0
            && refused.iter().all(|n| *n <= 2),
        format!(
            "tokens of {} s after the clock was set back a day: {} of 6 calls served, {} refused by the API and repeated, {} sign-in, {} spent tokens presented {:?}",
            SHORT.as_secs(),
            calls.ok,
            seen.unauthorized,
            seen.sign_ins,
            seen.spent_presented,
            calls.errors
        ),
    );
    Ok(())
}

async fn place(plan: &Plan, clock: SetClock) -> Result<Place, Failure> {
    let http = Client::new(reqwest::Client::builder())?;
    let store = FileStore::open(&plan.folder)?;
    let keeper = Keeper::builder().transport(http.clone()).store(store).clock(clock).build()?;
    Ok(opened(plan, keeper, &http).await?)
}
