//! The fleet: a great many sessions of one keeper against the simulator, and how many of them it renews
//! a second as a share of what the bare client reaches at the same concurrency.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use countersign_core::{AuthProvider, Clock, CredentialSource, Credentials};
use countersign_ibex::Ibex;
use countersign_runtime::{Keeper, Session, SystemClock};
use countersign_scheduler::{BudgetSettings, LaneLimits};
use http::header::{ACCEPT, CONTENT_TYPE};
use tokio::task::JoinSet;

use crate::clocks::{process_cpu, wall};
use crate::row::{Measure, Row, Target, Unit};
use crate::server::{FLEET_PASSWORD, Server, fleet_account};
use crate::subject::{HOUR, ShiftClock, Sleepers, client};
use crate::{Error, Result};

/// Nothing was renewed for so long: the wave has stopped.
const STUCK: Duration = Duration::from_secs(60);

/// A rate and what it costs.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    cpu_us: f64,
}

/// Runs it; `told` hears how far it is.
pub(crate) fn fleet(
    sessions: usize,
    concurrency: u32,
    mut told: impl FnMut(String),
) -> Result<Vec<Row>> {
    let server = Server::started(&["simulate", &sessions.to_string()])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = ShiftClock::new();
    runtime.block_on(async {
        let keeper = keeper(&clock, concurrency)?;
        let (start, cpu) = (wall(), process_cpu());
        let held = signed_in(&keeper, &server, sessions, concurrency).await?;
        let opened = rate(sessions, wall() - start, process_cpu() - cpu);
        told(format!("{sessions} sessions signed in, {:.0}/s", opened.per_second));

        let bare = sessions / 4;
        let first = bare_rate(&server, bare, concurrency).await?;
        told(format!("bare client: {:.0} refreshes/s", first.per_second));
        let ours = wave(&clock, &server, sessions, &mut told).await?;
        told(format!("keeper: {:.0} refreshes/s", ours.per_second));
        let second = bare_rate(&server, bare, concurrency).await?;
        told(format!("bare client again: {:.0} refreshes/s", second.per_second));

        let renewed = held.iter().filter(|session| is_renewed(session)).count();
        let what = format!("renewals a second of {sessions} sessions, concurrency {concurrency}");
        let limits = [first.per_second, second.per_second];
        let twice = [ours.per_second; 2];
        let rates = (Measure::Wall, Unit::PerSecond);
        let least = Target::RatioAtLeast(0.7);
        let mut rows = vec![Row::counted(
            "fleet/renewed",
            "sessions with a new token after the wave",
            renewed as f64,
            Target::Exactly(sessions as f64),
        )];
        rows.extend(
            Row::measured("fleet", what, rates, &twice, Some(&limits), least)
                .map(|row| row.noted("limit: the bare client, before and after the wave")),
        );
        rows.extend(Row::measured(
            "fleet/cpu",
            "client CPU of one renewal in the wave; limit: one request of the bare client",
            (Measure::Cpu, Unit::Microseconds),
            &[ours.cpu_us; 2],
            Some(&[first.cpu_us, second.cpu_us]),
            Target::None,
        ));
        Ok(rows)
    })
}

/// With budgets that bound what is under way and nothing else.
fn keeper(clock: &ShiftClock, concurrency: u32) -> Result<Keeper> {
    let limits = LaneLimits { interval: Duration::ZERO, burst: u32::MAX, concurrency };
    let budgets = BudgetSettings { limits, ..BudgetSettings::default() };
    let keeper = Keeper::builder().transport(client()?).clock(clock.clone()).budgets(budgets);
    Ok(keeper.replica_seed(1).build()?)
}

async fn signed_in(
    keeper: &Keeper,
    server: &Server,
    sessions: usize,
    concurrency: u32,
) -> Result<Vec<Session>> {
    let provider: Arc<dyn AuthProvider> = Arc::new(Ibex::at(server.url())?);
    let source: Arc<dyn CredentialSource> =
        Arc::new(Credentials::new().with_password(FLEET_PASSWORD.to_owned()));
    let mut held = Vec::with_capacity(sessions);
    let mut signing_in = JoinSet::new();
    for n in 0..sessions {
        let builder = keeper.session_of(Arc::clone(&provider), &fleet_account(n));
        let builder = builder.credentials_from(Arc::clone(&source)).keep_alive();
        if signing_in.len() >= concurrency as usize
            && let Some(ended) = signing_in.join_next().await
        {
            held.push(ended??);
        }
        signing_in.spawn(async move {
            let session = builder.open().await?;
            session.authorization().await?;
            Ok::<_, Error>(session)
        });
    }
    while let Some(ended) = signing_in.join_next().await {
        held.push(ended??);
    }
    Ok(held)
}

/// Lets everybody fall due at once, and waits until everybody is renewed.
async fn wave(
    clock: &ShiftClock,
    server: &Server,
    sessions: usize,
    told: &mut impl FnMut(String),
) -> Result<Rate> {
    let pass = HOUR * 85 / 100;
    server.set("ahead_ms", u64::try_from(pass.as_millis())?)?;
    let before = server.exchanges()?;
    let system = SystemClock::new();
    let (start, cpu) = (wall(), process_cpu());
    clock.pass(pass, Sleepers::Woken);
    let (mut seen, mut moved_at) = (0, start);
    loop {
        system.sleep_until(system.monotonic().after(Duration::from_millis(100))).await;
        let done = server.exchanges()? - before;
        if done >= sessions as u64 {
            return Ok(rate(sessions, wall() - start, process_cpu() - cpu));
        }
        if done > seen {
            if done / 20_000 > seen / 20_000 {
                told(format!("{done} renewed after {:.1} s", (wall() - start).as_secs_f64()));
            }
            (seen, moved_at) = (done, wall());
        } else if wall() - moved_at > STUCK {
            return Err(format!("the wave stopped after {done} of {sessions}").into());
        }
    }
}

fn is_renewed(session: &Session) -> bool {
    session.status().generation.is_some_and(|generation| generation.counter == 2)
}

/// The bare client: the same requests, answers read whole and not looked at.
async fn bare_rate(server: &Server, requests: usize, concurrency: u32) -> Result<Rate> {
    let http = client()?.plain().clone();
    let sign_in = serde_json::json!({ "email": fleet_account(0), "password": FLEET_PASSWORD });
    let reply = http
        .post(format!("{}/auth/signin", server.url()))
        .header(CONTENT_TYPE, "application/json")
        .body(sign_in.to_string())
        .send()
        .await?;
    let reply: serde_json::Value = serde_json::from_slice(&reply.bytes().await?)?;
    let token = reply["refreshToken"].as_str().ok_or("the bare client was not signed in")?;
    let body = serde_json::json!({ "refreshToken": token }).to_string();
    let url: Arc<str> = format!("{}/auth/refresh-access-token", server.url()).into();
    let left = Arc::new(AtomicUsize::new(requests));
    let (start, cpu) = (wall(), process_cpu());
    let mut senders = JoinSet::new();
    for _ in 0..concurrency {
        let (http, body, url, left) = (http.clone(), body.clone(), url.clone(), Arc::clone(&left));
        senders.spawn(async move {
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                .is_ok()
            {
                let request = http.post(&*url).header(CONTENT_TYPE, "application/json");
                let request = request.header(ACCEPT, "application/json").body(body.clone());
                request.send().await?.error_for_status()?.bytes().await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    Ok(rate(requests, wall() - start, process_cpu() - cpu))
}

fn rate(pieces: usize, took: Duration, cpu: Duration) -> Rate {
    let pieces = pieces as f64;
    Rate { per_second: pieces / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / pieces }
}
