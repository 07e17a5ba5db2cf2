//! What is kept, when, and who hears of it.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_runtime::{Session, SessionEventKind};

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::Times;
use crate::process::Process;
use crate::steps::{Caller, caller, done};

const GROUP: &str = "storage";
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f09-persisted-before-handed-out",
        "Nobody is given a token before the store has it",
        |bench| Box::pin(persisted_first(bench)),
    )
    .proves(&[Row::F(9)]),
    Case::new(
        GROUP,
        "f09-failed-write-is-told-and-tried-again",
        "A token that cannot be written is used, said to be unsaved, and written as soon as that works",
        |bench| Box::pin(failed_write(bench)),
    )
    .proves(&[Row::F(9)]),
    Case::new(
        GROUP,
        "f26-event-comes-after-the-commit",
        "Who hears that a token is published finds it in the store, and may ask the session itself",
        |bench| Box::pin(after_the_commit(bench)),
    )
    .proves(&[Row::F(26), Row::F(9)]),
];

/// A renewal is answered and its token about to be written: the gate of the writing, and a caller who has
/// waited for that token from the beginning.
async fn about_to_be_written(
    bench: &Bench,
    session: &Session,
) -> Result<(crate::fault::Gate, Caller), Finding> {
    let answer = bench.hold(bench.renewal());
    session.reject(session.authorization().await?.generation());
    answer.reached().await;
    let waiting = caller(session);
    bench.settle().await;
    let writing = bench.hold_write();
    answer.open();
    writing.reached().await;
    bench.settle().await;
    Ok((writing, waiting))
}

async fn persisted_first(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let (writing, waiting) = about_to_be_written(&bench, &session).await?;
    expect::same("a token before it is written", session.current().is_some(), false)?;
    expect::same("an answered caller before it is written", waiting.is_finished(), false)?;
    writing.open();
    let given = done(waiting).await??;
    expect::same("whether it is saved", session.status().saved, true)?;
    let other = bench.process()?.open().await?;
    expect::same("the token in the store", other.status().generation, Some(given))
}

async fn failed_write(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let answer = bench.hold(renewal);
    let mut events = session.events();
    session.reject(session.authorization().await?.generation());
    answer.reached().await;
    bench.writes_fail(Times::Next(3));
    answer.open();
    let given = session.authorization().await?.generation();
    expect::same("whether it is saved", session.status().saved, false)?;
    let mut told = std::iter::from_fn(|| events.try_recv());
    let unsaved = |kind: &SessionEventKind| matches!(kind, SessionEventKind::Published { saved: false, generation } if *generation == given);
    expect::holds("an event that says that it is not saved", told.any(|e| unsaved(&e.kind)))?;
    bench.until("a token that is saved", 10 * MINUTE, || session.status().saved).await?;
    expect::state(&session, Status::Active)?;
    expect::same(
        "the token that is handed out",
        session.authorization().await?.generation(),
        given,
    )?;
    let other = bench.process()?.open().await?;
    expect::same("the token in the store", other.status().generation, Some(given))?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn after_the_commit(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let mut events = session.events();
    let (listening, other) = (session.clone(), bench.process()?);
    let listener = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let SessionEventKind::Published { generation, .. } = event.kind {
                return heard(&listening, &other, generation).await;
            }
        }
        Err(Finding::new("an event that a token is published", "the end of events"))
    });
    let before = bench.sent(bench.renewal());
    let (writing, waiting) = about_to_be_written(&bench, &session).await?;
    expect::same("an event before the token is written", listener.is_finished(), false)?;
    writing.open();
    done(listener).await??;
    done(waiting).await??;
    expect::same("renewals", bench.sent(bench.renewal()) - before, 1)
}

/// What a listener may do: ask the session itself, and look into the store.
async fn heard(
    session: &Session,
    other: &Process,
    generation: countersign_core::Generation,
) -> Result<(), Finding> {
    let same = other.open().await?;
    expect::same("the token in the store", same.status().generation, Some(generation))?;
    let own = session.authorization().await?.generation();
    expect::same("the token of the session itself", own, generation)
}
