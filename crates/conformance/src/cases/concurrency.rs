//! Many callers, one session: who asks, who waits, who goes away.

use std::time::Duration;

use countersign_core::session::Status;
use futures_util::future::join_all;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding, How};
use crate::operation::Op;

const GROUP: &str = "concurrency";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f01-herd",
        "A thousand callers cause one exchange and share its token",
        |bench| Box::pin(herd(bench)),
    )
    .proves(&[Row::F(1)])
    .live_with_faults(1),
    Case::new(
        GROUP,
        "f07-dropped-caller",
        "A caller that goes away does not abort the exchange, and its token is kept",
        |bench| Box::pin(dropped_caller(bench)),
    )
    .proves(&[Row::F(7)])
    .live_with_faults(1),
];

async fn herd(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let gate = bench.hold(Op::SignIn);
    let callers = (0..1_000).map(|_| {
        let session = session.clone();
        tokio::spawn(async move { session.authorization().await.map(|a| a.generation()) })
    });
    let callers: Vec<_> = callers.collect();
    bench.settle().await;
    gate.open();
    let mut generations = std::collections::BTreeSet::new();
    for caller in join_all(callers).await {
        let answered =
            caller.map_err(|_| Finding::new("a caller that returns", "a panic").by(How::Panic))?;
        generations.insert(answered?);
    }
    expect::same("tokens that callers were given", generations.len(), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn dropped_caller(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let gate = bench.hold(Op::SignIn);
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.map(drop) }
    });
    gate.reached().await;
    caller.abort();
    bench.settle().await;
    gate.open();
    bench
        .until("a session that is signed in", Duration::from_secs(60), || {
            session.state() == Status::Active
        })
        .await?;
    let other = bench.process()?.open().await?;
    expect::same("a sibling finds the token in the store", other.status().good, true)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}
