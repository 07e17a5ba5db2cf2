//! Four keepers with the same fifty sessions on one Redis, each behind a wire of its own that is cut and
//! healed, while Redis is killed and started again (F03, F05, F27).
//!
//! The keepers are in one process: what is put to the test are wires and a server, and their ends are told
//! apart better than across processes. Nothing is shared but the simulator: each has its own store,
//! connection, clock and transport. Processes that die are the matter of `kill` and `points`.

mod processor;
mod readers;
mod replica;
mod server;
mod wire;

use std::time::Duration;

use countersign_simulator::Account;

use super::{Cx, End, Failure};
use crate::clock::{Stopwatch, pause};
use crate::dice::Dice;
use crate::findings::Findings;
use crate::kind::{Facts, Kind};
use crate::stage::Stage;
use processor::Processor;
use replica::Replica;
use server::Server;
use wire::State;

const N_KEEPERS: usize = 4;
const N_SESSIONS: usize = 50;
const LIFE: Duration = Duration::from_secs(4);

/// What is promised, also on a machine that has other things to do (two hundred sessions come back at one moment, and
/// each of four keepers takes each lock), and how long is waited for those that break it.
const BACK: Duration = Duration::from_secs(2);
const NOT_BACK: Duration = Duration::from_secs(15);

/// What the wires and the server went through.
#[derive(Default)]
struct Trouble {
    rounds: usize,
    cuts: u32,
    silences: u32,
    crashes: u32,
    shutdowns: u32,
    /// How long each keeper took after each heal until all of its sessions were served again.
    back: Vec<Duration>,
    lost: u32,
    /// What the system gave this process in the time of coming back, and for how long it let it wait.
    load: Processor,
}

pub(crate) async fn run(cx: Cx) -> Result<End, Failure> {
    let Some(mut server) = Server::start().await? else {
        return Ok(End::Skipped(
            "redis-server is not installed (apt-get install redis-server)".into(),
        ));
    };
    let span = Duration::from_secs(if cx.quick { 18 } else { 180 });
    let mut dice = Dice::new(cx.seed, "redis");
    let stage = Stage::new(Kind::NoGrace, LIFE).await?;
    let accounts: Vec<Facts> = (0..N_SESSIONS).map(|n| account(&stage, n)).collect();
    let mut replicas = Vec::new();
    for n in 0..N_KEEPERS {
        replicas.push(Replica::open(n, &server, stage.kind, &accounts).await?);
    }
    // One keeper signs all of them in: the others find the sessions in the store.
    let signed_in = replicas[0].serves_all(Duration::from_secs(120)).await;
    let first = stage.seen();
    for replica in &mut replicas {
        replica.put_under_load();
    }

    let (mut trouble, watch) = (Trouble::default(), Stopwatch::start());
    while watch.elapsed() < span {
        pause(Duration::from_millis(500) + dice.span(Duration::from_millis(1500))).await;
        round(&mut dice, &mut server, &replicas, &mut trouble).await?;
    }
    pause(LIFE).await;
    let mut served = 0;
    let mut failures = Vec::new();
    let mut calls = 0;
    for replica in &mut replicas {
        let load = replica.end_load().await;
        calls += load.ok;
        failures.extend(load.failures);
        served += usize::from(replica.serves_all(Duration::from_secs(30)).await);
    }
    let mut ended = 0;
    for replica in &replicas {
        ended += usize::from(replica.shut_down().await);
    }
    // Nothing moves any more: now the two can be compared.
    let generations: u64 = (0..N_SESSIONS)
        .map(|n| replicas.iter().map(|replica| replica.generation(n)).max().unwrap_or_default())
        .sum();
    let doubts: u64 = replicas.iter().map(Replica::doubts).sum();
    let seen = stage.seen();

    let mut findings = Findings::default();
    findings.note(format!(
        "{N_KEEPERS} keepers, {N_SESSIONS} sessions on {} s tokens for {} s: {calls} calls, {} exchanges",
        LIFE.as_secs(),
        span.as_secs(),
        seen.exchanges()
    ));
    findings.note(format!(
        "{} wires cut, {} silent, Redis killed {} times and shut down {} times",
        trouble.cuts, trouble.silences, trouble.crashes, trouble.shutdowns
    ));
    findings.note(format!(
        "{} sign-ins after the first {}: {doubts} times a session doubted whether its token was spent",
        seen.sign_ins - first.sign_ins,
        first.sign_ins
    ));
    findings.claim(
        signed_in && first.sign_ins == N_SESSIONS as u64,
        format!("one keeper signed in for all: {} sign-ins", first.sign_ins),
    );
    findings.claim(
        [trouble.cuts, trouble.silences, trouble.crashes, trouble.shutdowns].iter().all(|n| *n > 0),
        "each kind of trouble came about",
    );
    findings.claim(
        failures.is_empty() && calls > 0,
        format!(
            "0 failed requests: {} failed {:?}",
            failures.len(),
            &failures[..failures.len().min(3)]
        ),
    );
    findings.claim(
        seen.exchanges() == generations,
        format!(
            "one exchange a generation: the server carried out {}, the sessions count {generations}",
            seen.exchanges()
        ),
    );
    // Whoever signs in without a doubt has lost a session that was good.
    findings.claim(
        seen.sign_ins - first.sign_ins <= doubts,
        format!(
            "no sign-in but for a doubt: {} of them, {doubts} doubts",
            seen.sign_ins - first.sign_ins
        ),
    );
    findings.claim(
        seen.spent_presented == 0 && seen.refused == 0 && seen.sign_ins_refused == 0,
        format!(
            "no spent token was sent: {} presented, {} refreshes and {} sign-ins refused",
            seen.spent_presented, seen.refused, seen.sign_ins_refused
        ),
    );
    findings.claim(
        served == N_KEEPERS && ended == N_KEEPERS,
        format!("0 sessions lost: {served} keepers serve all, {ended} came to their end"),
    );
    back_in_time(&mut findings, trouble);
    readers::run(&server, &mut findings).await?;
    Ok(End::Findings(findings))
}

/// One more account of the simulator.
fn account(stage: &Stage, n: usize) -> Facts {
    let facts = Facts { identity: format!("torture-{n}@example.com"), ..stage.facts.clone() };
    stage.simulator.add_account(Account::user(&facts.identity, &facts.password));
    facts
}

/// Some wires are cut for a while, or Redis goes away, or both; then all is whole again.
async fn round(
    dice: &mut Dice,
    server: &mut Server,
    replicas: &[Replica],
    trouble: &mut Trouble,
) -> Result<(), Failure> {
    // Every kind of trouble in turn; whom it hits, when and for how long is chance.
    let (wires, restart) = [(true, false), (false, true), (true, true)][trouble.rounds % 3];
    let silent = trouble.rounds / 3 % 2 == usize::from(restart);
    let crash = trouble.rounds / 3 % 2 == usize::from(wires);
    trouble.rounds += 1;
    let mut hit = Vec::new();
    if wires {
        // Never none.
        let mask = 1 + dice.below((1 << N_KEEPERS) - 1);
        for (n, replica) in replicas.iter().enumerate() {
            if mask >> n & 1 == 1 {
                replica.wire.set(if silent { State::Silent } else { State::Cut });
                hit.push(n);
            }
        }
        let n = u32::try_from(hit.len()).unwrap_or_default();
        *(if silent { &mut trouble.silences } else { &mut trouble.cuts }) += n;
    }
    pause(Duration::from_millis(300) + dice.span(Duration::from_millis(3000))).await;
    if restart {
        if crash {
            server.kill().await?;
            trouble.crashes += 1;
        } else {
            server.shut_down().await?;
            trouble.shutdowns += 1;
        }
        pause(dice.span(Duration::from_millis(1000))).await;
        server.again().await?;
        hit = (0..replicas.len()).collect();
    }
    for replica in replicas {
        replica.wire.set(State::Whole);
    }
    let (healed, before) = (Stopwatch::start(), Processor::now());
    let mut waits = tokio::task::JoinSet::new();
    for n in hit {
        let back = replicas[n].all_served_again();
        let left = NOT_BACK.saturating_sub(healed.elapsed());
        waits.spawn(async move {
            let watch = Stopwatch::start();
            tokio::select! {
                () = back => Some(watch.elapsed()),
                () = pause(left) => None,
            }
        });
    }
    while let Some(back) = waits.join_next().await {
        match back? {
            Some(took) => trouble.back.push(took),
            None => trouble.lost += 1,
        }
    }
    trouble.load.add(before, Processor::now(), healed.elapsed());
    Ok(())
}

fn back_in_time(findings: &mut Findings, mut trouble: Trouble) {
    trouble.back.sort();
    let of = |share: usize| {
        let last = trouble.back.len().saturating_sub(1);
        trouble.back.get(last * share / 100).copied().unwrap_or_default().as_millis()
    };
    let within = trouble.back.iter().filter(|took| **took <= BACK).count();
    findings.note(format!(
        "after a heal a keeper served all of its sessions again within {} ms in the middle, {} ms in nine of \
         ten, {} ms at most; within {} s in {within} of {} cases",
        of(50),
        of(90),
        of(100),
        BACK.as_secs(),
        trouble.back.len() + trouble.lost as usize
    ));
    findings.note(trouble.load);
    let n = trouble.back.len() + trouble.lost as usize;
    findings.claim(
        within == n,
        format!("each within {} s of the heal: {within} of {n}", BACK.as_secs()),
    );
    findings.claim(
        trouble.lost == 0 && !trouble.back.is_empty(),
        format!(
            "every keeper came back after every heal: {} of {} within {} s",
            trouble.back.len(),
            trouble.back.len() + trouble.lost as usize,
            NOT_BACK.as_secs()
        ),
    );
}
