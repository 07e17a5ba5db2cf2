//! W4b: the CPU of one refresh: the decision, the lock, the mark, the request, the answer, the commit
//! and the publication.

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

/// W4b: each of many sessions is renewed by its caller, one after another; records go to a memory store.
pub(crate) fn one(run: Run) -> Result<Vec<Row>> {
    let runtime = on_this_thread()?;
    let server = Server::start()?;
    let clock = ShiftClock::new();
    let (sessions, mut raw) = runtime.block_on(async {
        let keeper = keeper_at(client()?, &clock)?;
        let provider = std::sync::Arc::new(Rfc6749::at(server.url())?);
        let mut sessions: Vec<Session> = Vec::new();
        for n in 0..SESSIONS {
            let provider = std::sync::Arc::clone(&provider);
            let session = keeper.session_of(provider, &format!("account-{n}"));
            let session = session.credentials(credentials()).open().await?;
            session.authorization().await?;
            sessions.push(session);
        }
        Ok::<_, Error>((sessions, Raw::to(server.address()?).await?))
    })?;
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
        .with(|| {
            clock.pass(HOUR, Sleepers::Left);
            timed_micros(
                || {
                    runtime.block_on(async {
                        for session in &sessions {
                            session.authorization().await?;
                        }
                        Ok(())
                    })
                },
                SESSIONS,
            )
        })
        .run()?;
    let exchanges = server.exchanges()? - before;
    let expected = (2 * SESSIONS * (rounds + 1)) as u64;
    if exchanges != expected {
        return Err(
            format!("{exchanges} exchanges, not {expected}: other work was measured").into()
        );
    }
    let cpu = (Measure::Cpu, Unit::Microseconds);
    let what = "CPU of one refresh, engine and client; limit: one exchange over a raw socket";
    let row =
        Row::measured("W4b", what, cpu, figures.of(1), Some(figures.of(0)), Target::AtMost(80.0));
    Ok(row.into_iter().chain(allocations::rows("W4b")?).collect())
}
