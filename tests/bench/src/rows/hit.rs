//! W1: the header of a fresh token, and a look at the token.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use countersign_runtime::{Authorized, Session};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use tokio::runtime::Runtime;

use super::{Run, on_all_cores, on_this_thread};
use crate::clocks::{process_cpu, thread_cpu, timed};
use crate::contest::Contest;
use crate::limit::Ready;
use crate::row::{Measure, Row, Target, Unit};
use crate::subject::{Minting, Rfc6749, keeper, signed_in};
use crate::{Result, allocations};

/// Calls a round, over all tasks.
const CALLS: usize = 128 * 1_024;
const DAY: Duration = Duration::from_secs(24 * 3_600);
const CPU: (Measure, Unit) = (Measure::Cpu, Unit::Nanoseconds);

/// W1a: an owned authorization of a fresh, cached token; 1 to 64 tasks.
pub(crate) fn header(run: Run) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for tasks in [1, 8, 64] {
        let runtime = if tasks == 1 { on_this_thread()? } else { on_all_cores()? };
        let session = fresh(&runtime)?;
        let ready = Arc::new(Ready::new()?);
        // How two cores meet at one counter changes within seconds: more rounds see more of it.
        let rounds = run.rounds(if tasks == 1 { 65 } else { 391 });
        let figures = Contest::new(rounds)
            .with(|| {
                per_call(&runtime, tasks, &ready, |ready| async move {
                    for _ in 0..CALLS / tasks {
                        black_box(ready.header());
                    }
                    Ok(())
                })
            })
            .with(|| {
                per_call(&runtime, tasks, &session, |session| async move {
                    for _ in 0..CALLS / tasks {
                        black_box(session.authorization().await?);
                    }
                    Ok(())
                })
            })
            .with(|| {
                per_call(&runtime, tasks, &session, |session| async move {
                    for _ in 0..CALLS / tasks {
                        let authorized = session.authorization().await?;
                        let header = authorized.header(&AUTHORIZATION);
                        // In place, as the limit's: an `Option` of it would be moved once more.
                        black_box(HeaderValue::clone(header.ok_or("there is no header")?));
                    }
                    Ok(())
                })
            })
            .run()?;
        let many = if tasks == 1 { "task" } else { "tasks" };
        rows.extend(Row::measured(
            format!("W1a/{tasks}"),
            format!("authorization() of a fresh token, {tasks} {many}"),
            CPU,
            figures.of(1),
            Some(figures.of(0)),
            Target::Ratio(1.4),
        ));
        rows.extend(Row::measured(
            format!("W1a/{tasks}/clone"),
            format!("the same and a clone of its header, {tasks} {many}"),
            CPU,
            figures.of(2),
            Some(figures.of(0)),
            Target::Ratio(1.4),
        ));
    }
    rows.extend(allocations::rows("W1a")?);
    Ok(rows)
}

/// W1b: a look at the token, without keeping it.
pub(crate) fn look(run: Run) -> Result<Vec<Row>> {
    let runtime = on_this_thread()?;
    let session = fresh(&runtime)?;
    let ready = Ready::new()?;
    let _inside = runtime.enter();
    let (limits, ours) =
        ([limit::<0>, limit::<1>, limit::<2>], [looks::<0>, looks::<1>, looks::<2>]);
    let (mut limits, mut ours) = (limits.iter().cycle(), ours.iter().cycle());
    let figures = Contest::new(run.rounds(195))
        .with(|| limits.next().map_or(Ok(0.0), |copy| Ok(copy(&ready))))
        .with(|| ours.next().map_or(Ok(0.0), |copy| copy(&session)))
        .run()?;
    let what = "a look at the token: current()";
    let mut rows: Vec<Row> = Vec::new();
    rows.extend(Row::measured(
        "W1b",
        what,
        CPU,
        figures.of(1),
        Some(figures.of(0)),
        Target::Ratio(2.0),
    ));
    rows.extend(allocations::rows("W1b")?);
    Ok(rows)
}

/// CPU nanoseconds a look at a ready header. Each `COPY` is the same loop at another place: where it lies in the
/// processor's lines of code makes a tenth of what it takes.
#[inline(never)]
fn limit<const COPY: usize>(ready: &Ready) -> f64 {
    // Else the compiler makes one of all copies.
    black_box(COPY);
    let (spent, ()) = timed(thread_cpu, || {
        for _ in 0..CALLS {
            black_box(ready.look());
        }
    });
    nanoseconds(spent, CALLS)
}

/// The same of ours.
#[inline(never)]
fn looks<const COPY: usize>(session: &Session) -> Result<f64> {
    black_box(COPY);
    let (spent, seen) = timed(thread_cpu, || {
        for _ in 0..CALLS {
            let Some(shown) = session.current() else { return false };
            black_box(last_byte(&shown));
        }
        true
    });
    if !seen {
        return Err("a fresh session showed no token".into());
    }
    Ok(nanoseconds(spent, CALLS))
}

/// The same byte that the limit looks at.
fn last_byte(shown: &Authorized) -> u8 {
    shown.access_token().secret().expose_bytes().last().copied().unwrap_or_default()
}

/// A session with a token for a day.
fn fresh(runtime: &Runtime) -> Result<Session> {
    runtime.block_on(async {
        let keeper = keeper(Minting::new(DAY))?;
        let provider = Arc::new(Rfc6749::at("http://127.0.0.1:9")?);
        Ok(signed_in(&keeper, provider, "one").await?)
    })
}

/// CPU nanoseconds a call, over `tasks` tasks that share `subject`.
fn per_call<S, F>(
    runtime: &Runtime,
    tasks: usize,
    subject: &S,
    calls: impl Fn(S) -> F,
) -> Result<f64>
where
    S: Clone,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let clock = if tasks == 1 { thread_cpu } else { process_cpu };
    let (spent, made) = timed(clock, || {
        runtime.block_on(async {
            if tasks == 1 {
                return calls(subject.clone()).await;
            }
            let mut set = tokio::task::JoinSet::new();
            for _ in 0..tasks {
                set.spawn(calls(subject.clone()));
            }
            while let Some(ended) = set.join_next().await {
                ended??;
            }
            Ok(())
        })
    });
    made?;
    Ok(nanoseconds(spent, CALLS))
}

fn nanoseconds(spent: Duration, calls: usize) -> f64 {
    spent.as_secs_f64() * 1e9 / calls as f64
}
