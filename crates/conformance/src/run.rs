//! Running one case with one target and one engine: nothing is shared with any other case.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{Clock, Monotonic, Timestamp};
use countersign_runtime::SystemClock;
use futures_util::FutureExt;

use crate::bench::{Bench, Hour};
use crate::case::Case;
use crate::clock::{Stuck, VirtualClock};
use crate::engine::Engine;
use crate::expect::{Finding, How};
use crate::leaks::{Barred, Search};
use crate::naming::Names;
use crate::operation::Op;
use crate::random::Random;
use crate::report::model::{CaseReport, Entry, Outcome};
use crate::target::{Control, Controls, Server, Setup, Target, Time, Unavailable};
use crate::timeline::Timeline;
use crate::wire::Stray;

/// When every case begins: a Monday in 2026, at noon (UTC).
const BEGIN: Timestamp = Timestamp::from_seconds(1_790_596_800);

/// No case passes more than this, and what waits for ever is found out by it.
const LONGEST: Duration = Duration::from_secs(40 * 24 * 3600);

/// How one case is run.
#[derive(Clone)]
pub struct Plan {
    /// What it runs against.
    pub target: Arc<dyn Target>,
    /// The engine: [`crate::Unbroken`], or one with a defect.
    pub engine: Arc<dyn Engine>,
    /// The seed of the run.
    pub seed: u64,
    /// How long it may take in real time.
    pub deadline: Duration,
}

/// What came of a panic.
type Panic = Box<dyn std::any::Any + Send>;

/// What became of a case, and what one needs to know before the next is run on the same account.
pub(crate) struct Ran {
    pub(crate) report: CaseReport,
    /// Sign-ins that reached the server, or may have.
    pub(crate) sign_ins: usize,
    /// The server refused one of them, although nothing was done to it on the way.
    pub(crate) refused: bool,
}

/// Runs `case` on this thread.
///
/// # Errors
/// The remedy, if the target's server is down.
pub(crate) fn run(case: &Case, plan: &Plan) -> Result<Ran, String> {
    let real = SystemClock::new();
    let timeline = Timeline::default();
    let hour = hour_of(plan.target.time(), &real);
    let began = hour.clock().monotonic();
    let names = Names::default();
    let outcome = on_runtime(case, plan, &hour, (&timeline, &names), &real)?;
    let secrets = Search::of(&names.known().list());
    let outcome = match outcome {
        Outcome::Failed { finding } => Outcome::Failed { finding: scrubbed(finding, &secrets) },
        other => other,
    };
    let passed = hour.clock().monotonic().since(began);
    let in_sign_in = |op| matches!(op, Op::SignIn | Op::Continue | Op::Answer);
    let refused = names.refused()
        && timeline.count(|e| in_sign_in(e.op) && e.fault.is_none() && e.status.is_some()) > 0;
    let sign_ins = timeline.count(|exchange| exchange.op == Op::SignIn);
    let report = CaseReport {
        virtual_ms: millis(passed),
        real_ms: millis(real.monotonic().since(Monotonic::default())),
        timeline: entries(&timeline, &secrets),
        ..CaseReport::of(case, outcome)
    };
    Ok(Ran { report, sign_ins, refused })
}

/// The time that a target lives in, from its beginning.
pub(crate) fn hour_of(time: Time, real: &SystemClock) -> Hour {
    match time {
        Time::Virtual => Hour::Virtual(VirtualClock::at(BEGIN)),
        Time::Real => Hour::Real(Arc::new(*real)),
    }
}

/// Does `work` in that time, until the real clock says `deadline`. What it leaves running ends with it.
pub(crate) fn block_on<F: Future>(
    hour: &Hour,
    deadline: Monotonic,
    work: F,
) -> Result<Result<F::Output, Stuck>, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let is_virtual = matches!(hour, Hour::Virtual(_));
    let builder =
        if is_virtual { builder.enable_time().start_paused(true) } else { builder.enable_all() };
    let runtime = builder.build().map_err(|error| format!("no runtime: {error}"))?;
    let real = SystemClock::new();
    let end = match hour {
        Hour::Virtual(clock) => {
            runtime.block_on(clock.drive(work, LONGEST, || real.monotonic() > deadline))
        }
        Hour::Real(_) => runtime.block_on(async {
            let over = std::pin::pin!(real.sleep_until(deadline));
            match futures_util::future::select(std::pin::pin!(work), over).await {
                futures_util::future::Either::Left((end, _)) => Ok(end),
                futures_util::future::Either::Right(_) => Err(Stuck::TooSlow),
            }
        }),
    };
    runtime.shutdown_background();
    Ok(end)
}

fn on_runtime(
    case: &Case,
    plan: &Plan,
    hour: &Hour,
    notes: (&Timeline, &Names),
    real: &SystemClock,
) -> Result<Outcome, String> {
    let deadline = real.monotonic().after(plan.deadline);
    // Also what the target does before the case begins is somebody else's code.
    let held = OnceCell::new();
    let work = AssertUnwindSafe(on_bench(case, plan, hour, notes, &held)).catch_unwind();
    let end = block_on(hour, deadline, work)?;
    // Outside of the runtime: a server may have one of its own, which cannot end in another.
    let gone = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let told = held.get().filter(|server| has(&***server, Control::Secrets, false));
        let told = told.and_then(|server| server.controls()).map(Controls::secrets);
        let told = told.unwrap_or_default();
        told.iter().for_each(|secret| notes.1.known().learn(secret, Barred::Nowhere));
        drop(held);
    }));
    let panicked = |panic: Panic| Ok(Outcome::Failed { finding: panic_finding(&*panic, plan) });
    match (end, gone) {
        (Ok(Err(panic)), _) | (Ok(Ok(Ok(Outcome::Passed))), Err(panic)) => panicked(panic),
        (Ok(Ok(outcome)), _) => outcome,
        (Err(stuck), _) => Ok(Outcome::Failed { finding: stuck_finding(stuck, plan) }),
    }
}

async fn on_bench(
    case: &Case,
    plan: &Plan,
    hour: &Hour,
    (timeline, names): (&Timeline, &Names),
    held: &OnceCell<Arc<dyn Server>>,
) -> Result<Outcome, String> {
    let mut random = Random::of(plan.seed, &[plan.target.name(), case.id]);
    let settings = case.settings;
    let setup = Setup { seed: random.bytes(), clock: hour.clock(), settings };
    let skipped = |reason: String| Ok(Outcome::Skipped { reason });
    if !case.only.is_empty() && !case.only.contains(&plan.target.name()) {
        return skipped(format!("the case is for {} alone", case.only.join(", ")));
    }
    let opened = match case.stage {
        Some(stage) => stage(&setup),
        None => plan.target.open(&setup).await,
    };
    let server = match opened {
        Ok(server) => Arc::clone(held.get_or_init(|| Arc::from(server))),
        Err(Unavailable::NotHere(reason)) => return skipped(reason),
        Err(Unavailable::Down(remedy)) => return Err(remedy),
    };
    if let Some(reason) = case.why_not(server.adapter().capabilities()) {
        return skipped(reason);
    }
    let is_virtual = matches!(hour, Hour::Virtual(_));
    if let Some(lack) = case.controls.iter().find(|c| !has(&*server, **c, is_virtual)) {
        return skipped(format!("the target {}", lack.lack()));
    }
    let engine = Arc::clone(&plan.engine);
    let notes = (timeline.clone(), names.clone());
    let bench = Bench::new(server, engine, hour.clone(), random.next(), notes, case.live);
    let bench = bench.map_err(|error| error.to_string())?;
    let wire = bench.0.wire.clone();
    let end = (case.run)(bench).await;
    match wire.lack() {
        None => {}
        Some(Unavailable::NotHere(reason)) => return skipped(reason),
        Some(Unavailable::Down(remedy)) => return Err(remedy),
    }
    Ok(match end {
        Ok(()) => {
            let strayed = wire.unexpected_stray().as_ref().map(stray_finding);
            let told = || wire.told_in_an_address();
            match strayed.or_else(told).or_else(|| wire.broken_promise()) {
                None => Outcome::Passed,
                Some(finding) => Outcome::Failed { finding },
            }
        }
        Err(finding) => Outcome::Failed { finding },
    })
}

pub(crate) fn has(server: &dyn Server, control: Control, is_virtual: bool) -> bool {
    match control {
        Control::Resource => server.resource().is_some(),
        Control::OtherAccount => server.other_account().is_some(),
        Control::CodeAccount => {
            let all = [Some(server.account()), server.other_account()];
            all.iter().flatten().any(|account| account.credentials.totp_secret().is_some())
        }
        Control::NextPassword => server.has_next_password(),
        Control::Socket => server.way().is_some(),
        Control::VirtualTime => is_virtual,
        _ => server.controls().is_some_and(|controls| controls.can().contains(&control)),
    }
}

fn stray_finding(stray: &Stray) -> Finding {
    let Stray { op, authority, credential_headers, body } = stray;
    let carried = credential_headers.join(", ");
    let body = if *body { " and a body" } else { "" };
    let came = format!("{op} went to {authority} with the headers [{carried}]{body}");
    Finding::new("requests to the auth server and the API alone", came).at("the way to the server")
}

/// What a target may have overlooked whose cases hang or panic in virtual time.
pub(crate) const REAL_TIME_HINT: &str = "; in virtual time nothing can wait for a socket or for a \
     thread: a target whose server has one says `Time::Real`";

/// The words of a panic, with the remedy for one that a target in virtual time brings about.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send), time: Time) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let is_of_tokio = text.contains("IO is disabled") || text.contains("no reactor running");
    match time == Time::Virtual && is_of_tokio {
        true => format!("{text}{REAL_TIME_HINT}"),
        false => text,
    }
}

fn panic_finding(panic: &(dyn std::any::Any + Send), plan: &Plan) -> Finding {
    Finding::new("no panic", format!("a panic: {}", panic_text(panic, plan.target.time())))
        .by(How::Panic)
        .at("the case, or what it called")
}

fn stuck_finding(stuck: Stuck, plan: &Plan) -> Finding {
    let came = match stuck {
        Stuck::Forever => "the case waits for something that can never happen".to_owned(),
        Stuck::TooLong => "the case waits for something that did not happen in 40 days".to_owned(),
        Stuck::TooSlow => format!("more than {:?} of real time", plan.deadline),
    };
    let hint = match (plan.target.time(), stuck) {
        (Time::Real, _) | (_, Stuck::TooLong) => "",
        (Time::Virtual, Stuck::Forever | Stuck::TooSlow) => REAL_TIME_HINT,
    };
    Finding::new("the case ends", came)
        .by(How::NoEnd)
        .at(format!("the last entry of the timeline tells how far it came{hint}"))
}

/// A finding whose words may be those of an adapter, an error or a panic.
fn scrubbed(finding: Finding, secrets: &Search) -> Finding {
    let Finding { expected, came, at, how } = finding;
    Finding { expected: secrets.scrubbed(expected), came: secrets.scrubbed(came), at, how }
}

fn entries(timeline: &Timeline, secrets: &Search) -> Vec<Entry> {
    let entries = timeline.entries();
    let mut paths = HashMap::new();
    for exchange in &entries.exchanges {
        let path = exchange.path.as_str();
        paths.entry(path).or_insert_with(|| secrets.scrubbed_path(path));
    }
    let exchanges = entries.exchanges.iter().map(|exchange| Entry::Exchange {
        at_ms: millis(exchange.at),
        answered_ms: exchange.answered.map(millis),
        operation: exchange.op.as_str().to_owned(),
        method: exchange.method.clone(),
        path: paths.get(&*exchange.path).cloned().unwrap_or_default(),
        status: exchange.status,
        fault: exchange.fault.map(str::to_owned),
        end: exchange.end.to_owned(),
    });
    let marks = entries.marks.iter().map(|mark| Entry::Mark {
        at_ms: millis(mark.at),
        what: secrets.scrubbed(mark.what.clone()),
    });
    let mut all: Vec<Entry> = marks.chain(exchanges).collect();
    all.sort_by_key(Entry::at_ms);
    all
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Waits in the time of the world.
pub(crate) fn real_wait(span: Duration) {
    let clock = SystemClock::new();
    if let (Ok(runtime), false) = (real_runtime(), span.is_zero()) {
        runtime.block_on(clock.sleep_until(clock.monotonic().after(span)));
    }
}

fn real_runtime() -> Result<tokio::runtime::Runtime, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))
}
