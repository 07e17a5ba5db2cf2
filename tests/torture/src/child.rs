//! A process of an experiment: it opens the shared session and does what its plan says.

use std::io::{self, BufRead, Read};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Error, Origin};
use countersign_reqwest::{Client, SessionClient};
use countersign_runtime::{Events, Keeper, Session, SessionBuilder, SessionEventKind};
use countersign_seal::suite::Through;
use countersign_store_file::FileStore;
use tokio::sync::Notify;

use crate::asked;
use crate::clock::pause;
use crate::defect::{Defect, Unlocked, WithoutMark};
use crate::phase::{PhasedTransport, Phases};
use crate::plan::{Plan, Report, Task};
use crate::process::READY;
use crate::spoil;
use crate::steps::{SteppedStore, SteppedTransport, Steps};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Reads the plan and does it.
pub(crate) fn run() -> ExitCode {
    match plan().and_then(done) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a process of an experiment: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan() -> Result<Plan, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn done(plan: Plan) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(work(&plan))?;
    println!("report {}", serde_json::to_string(&report)?);
    Ok(())
}

/// What a process works with.
pub(crate) struct Place {
    pub(crate) keeper: Keeper,
    pub(crate) session: Session,
    pub(crate) api: SessionClient<Session>,
    pub(crate) url: String,
}

async fn work(plan: &Plan) -> Result<Report, Failure> {
    let mut builder = Keeper::builder();
    let phases = plan.phase.as_deref().map(Phases::new).transpose()?;
    if let Some(phases) = &phases {
        builder = builder.effect_filter(phases.clone());
    }
    if let Some(ms) = plan.exchange_deadline_ms {
        builder = builder.exchange_deadline(Duration::from_millis(ms));
    }
    let http = Client::new(reqwest::Client::builder())?;
    let store = FileStore::open(&plan.folder)?;
    let steps = Steps::new(plan.dies_at);
    let keeper = if plan.counts_steps {
        let builder = builder.pull();
        let builder = match plan.defect {
            Some(Defect::NoMark) => builder.effect_filter(WithoutMark(steps.clone())),
            _ => builder.effect_filter(steps.clone()),
        };
        builder
            .transport(SteppedTransport(http.clone(), steps.clone()))
            .store(Through(SteppedStore(store, steps.clone())))
            .build()?
    } else if plan.defect == Some(Defect::NoLock) {
        builder.transport(http.clone()).store(Through(Unlocked(store))).build()?
    } else if let Some(phases) = phases {
        builder.transport(PhasedTransport(http.clone(), phases)).store(store).build()?
    } else {
        builder.transport(http.clone()).store(store).build()?
    };
    if plan.task == Task::RevokeAll {
        steps.arm();
        let said = asked::revoke_all(&keeper, plan).await;
        keeper.shutdown(Duration::from_secs(60)).await;
        return Ok(Report { said, steps: steps.passed(), ..Report::default() });
    }
    let place = opened(plan, keeper, &http).await?;
    let doubts = count_doubts(place.session.events());
    println!("{READY}");
    let mut report = match plan.task {
        Task::Load { callers, pause_ms } => load(&place, callers, pause_ms).await?,
        Task::Spoil(how) => {
            let spoilt = Some(spoil::spoil(&place, plan, how).await?);
            Report { spoilt, ..Report::default() }
        }
        task => {
            if plan.counts_steps {
                if task == Task::Renew {
                    // What is counted is the renewal of a token that is there.
                    place.session.authorization().await?;
                    if !place.session.close(Duration::from_secs(60)).await {
                        return Err("the sign-in has not come to its end".into());
                    }
                }
                steps.arm();
            }
            asked::once(&place, plan).await
        }
    };
    place.keeper.shutdown(Duration::from_secs(60)).await;
    let status = place.session.status();
    report.state = status.state.as_str().to_owned();
    report.generation = status.generation.map_or(0, |generation| generation.counter);
    report.saved = status.saved;
    report.steps = steps.passed();
    report.ambiguous = doubts.load(Ordering::SeqCst);
    report.bought = place.keeper.figures().outcomes.tokens;
    Ok(report)
}

/// The session of `plan` in `keeper`.
pub(crate) async fn opened(plan: &Plan, keeper: Keeper, http: &Client) -> Result<Place, Error> {
    let session = described(plan, &keeper)?.open().await?;
    let api = http.session(session.clone());
    Ok(Place { keeper, session, api, url: plan.facts.resource.clone() })
}

/// The session of `plan`, not yet open.
pub(crate) fn described(plan: &Plan, keeper: &Keeper) -> Result<SessionBuilder, Error> {
    let adapter = plan.kind.adapter(&plan.facts)?;
    let policy = match plan.automatic {
        Some(per_day) => Reauthentication::Automatic { per_day },
        None => Reauthentication::Manual,
    };
    let session = keeper
        .session_of(adapter, &plan.facts.identity)
        .credentials(plan.kind.credentials(&plan.facts))
        .api_origins([Origin::parse(&plan.facts.url)?])
        .deadline(Duration::from_millis(plan.caller_deadline_ms))
        .reauthentication(policy);
    Ok(session)
}

/// Counts how often the session came to `Ambiguous`.
fn count_doubts(mut events: Events) -> Arc<AtomicU64> {
    let doubts = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&doubts);
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let doubt = matches!(
                event.kind,
                SessionEventKind::RefreshInDoubt
                    | SessionEventKind::Moved { to: Status::Ambiguous, .. }
            );
            if doubt {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    doubts
}

async fn load(place: &Place, callers: u32, pause_ms: u64) -> Result<Report, Failure> {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::new(Notify::new());
    std::thread::spawn({
        let (over, ended) = (Arc::clone(&over), Arc::clone(&ended));
        move || {
            // Its parent lets go of it, or is gone.
            let _ = io::stdin().lock().read_to_end(&mut Vec::new());
            over.store(true, Ordering::SeqCst);
            ended.notify_one();
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (api, url, over) = (place.api.clone(), place.url.clone(), Arc::clone(&over));
        tasks.spawn(async move {
            let mut report = Report::default();
            while !over.load(Ordering::SeqCst) {
                call(&api, &url, &mut report).await;
                pause(Duration::from_millis(pause_ms)).await;
            }
            report
        });
    }
    ended.notified().await;
    let mut report = Report::default();
    while let Some(one) = tasks.join_next().await {
        let one = one?;
        report.ok += one.ok;
        report.failed += one.failed;
        report.errors.extend(one.errors);
        report.errors.truncate(5);
    }
    Ok(report)
}

pub(crate) async fn call(api: &SessionClient<Session>, url: &str, report: &mut Report) {
    match api.get(url).send().await {
        Ok(reply) if reply.status() == 200 => report.ok += 1,
        Ok(reply) => fail(report, format!("status {}", reply.status().as_u16())),
        Err(error) => fail(report, chain(&error)),
    }
}

fn fail(report: &mut Report, what: String) {
    report.failed += 1;
    if report.errors.len() < 5 {
        report.errors.push(what);
    }
}

/// An error with its causes: what a log would show.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
