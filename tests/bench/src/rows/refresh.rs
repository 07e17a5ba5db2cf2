//! W4b: the CPU of one refresh: the decision, the lock, the request, the answer, the commit and the publication; and
//! the same with the mark before it that a token needs which is spent on use.

use std::sync::Arc;

use countersign_core::{AuthProvider, HttpTransport};
use countersign_hyper::Transport;
use countersign_runtime::Session;

use super::request::timed_micros;
use super::{Run, on_this_thread};
use crate::contest::Contest;
use crate::limit::Raw;
use crate::row::{Measure, Row, Target, Unit};
use crate::server::Server;
use crate::subject::{HOUR, Rfc6749, ShiftClock, Sleepers, client, credentials, keeper_at};
use crate::{Error, Result, allocations};

/// Refreshes a round.
const SESSIONS: usize = 128;

/// 80 µs, of which a raw exchange took 24.8 where that was set, or as much above one of this run: what wakes and system
/// calls cost differs more between machines than what is above them. (The peers' figures are from a machine on which a raw
/// exchange took 13; so this is the stricter of the two.)
const TARGET: Target = Target::AtMostOr { most: 80.0, more: 80.0 - 24.8 };

/// W4b: each of many sessions is renewed by its caller, one after another; records go to a memory store.
pub(crate) fn one(run: Run) -> Result<Vec<Row>> {
    let runtime = on_this_thread()?;
    let server = Server::start()?;
    // A clock for each: what is not measured must not fall due.
    let [clock, clock_of_marked, clock_of_lean] = [(); 3].map(|()| ShiftClock::new());
    let (sessions, marked, lean, mut raw) = runtime.block_on(async {
        let reusable = || Rfc6749::at(server.url());
        Ok::<_, Error>((
            signed_in(reusable()?, client()?, &clock).await?,
            signed_in(reusable()?.spending(), client()?, &clock_of_marked).await?,
            signed_in(reusable()?, Transport::plain(), &clock_of_lean).await?,
            Raw::to(server.address()?).await?,
        ))
    })?;
    let renew = |sessions: &[Session], clock: &ShiftClock| {
        clock.pass(HOUR, Sleepers::Left);
        timed_micros(
            || {
                runtime.block_on(async {
                    for session in sessions {
                        session.authorization().await?;
                    }
                    Ok(())
                })
            },
            SESSIONS,
        )
    };
    let before = server.exchanges()?;
    let rounds = run.rounds(81);
    let figures = Contest::new(rounds)
        .with(|| {
            timed_micros(
                || {
                    runtime.block_on(async {
                        for _ in 0..SESSIONS {
                            if !raw.exchange().await? {
                                return Err("the server refused the limit".into());
                            }
                        }
                        Ok(())
                    })
                },
                SESSIONS,
            )
        })
        .with(|| renew(&sessions, &clock))
        .with(|| renew(&marked, &clock_of_marked))
        .with(|| renew(&lean, &clock_of_lean))
        .run()?;
    let exchanges = server.exchanges()? - before;
    let expected = (4 * SESSIONS * (rounds + 1)) as u64;
    if exchanges != expected {
        return Err(
            format!("{exchanges} exchanges, not {expected}: other work was measured").into()
        );
    }
    let row = |id, what, nth, target| {
        let cpu = (Measure::Cpu, Unit::Microseconds);
        Row::measured(id, what, cpu, figures.of(nth), Some(figures.of(0)), target)
    };
    let usual = "CPU of one refresh, engine and client; limit: one exchange over a raw socket";
    let spent =
        "the same of a token that is spent on use, with its mark in the store; limit: the same";
    let marked = row("W4b/marked", spent, 2, TARGET);
    let over_hyper = "the same as W4b over the transport of countersign-hyper; limit: the same";
    let lean = row("W4b/hyper", over_hyper, 3, Target::None);
    let ours = row("W4b", usual, 1, TARGET);
    let rows = ours.into_iter().chain(marked).chain(lean);
    Ok(rows.chain(allocations::rows("W4b")?).collect())
}

/// The sessions of a keeper of their own.
async fn signed_in(
    provider: Rfc6749,
    transport: impl HttpTransport + 'static,
    clock: &ShiftClock,
) -> Result<Vec<Session>> {
    let keeper = keeper_at(transport, clock)?;
    let provider: Arc<dyn AuthProvider> = Arc::new(provider);
    let mut sessions = Vec::new();
    for n in 0..SESSIONS {
        let session = keeper.session_of(Arc::clone(&provider), &format!("account-{n}"));
        let session = session.credentials(credentials()).open().await?;
        session.authorization().await?;
        sessions.push(session);
    }
    Ok(sessions)
}
