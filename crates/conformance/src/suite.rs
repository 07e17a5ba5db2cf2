//! Many cases with many targets: in random order, on a few threads, each by itself.

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_core::{Capabilities, Clock, Monotonic, RefreshSupport};
use countersign_runtime::SystemClock;

use crate::case::Case;
use crate::claims::Claim;
use crate::coverage;
use crate::engine::{Engine, Unbroken};
use crate::expect::{Finding, How};
use crate::live::{self, Decision, Permits, Planned, Spent};
use crate::random::Random;
use crate::report::model::{CaseReport, ClaimReport, Outcome, ProviderReport, Run};
use crate::run::{self, Plan, Ran, millis};
use crate::target::Target;
use crate::usual::{self, GRACE, usual};

/// A run to be made.
///
/// ```
/// use std::sync::Arc;
///
/// use countersign_conformance::{Server, Setup, Suite, Target, Unavailable, cases};
///
/// /// A server that somebody has to start first.
/// struct Emulator;
///
/// #[async_trait::async_trait]
/// impl Target for Emulator {
///     fn name(&self) -> &str {
///         "acme"
///     }
///
///     async fn open(&self, _: &Setup) -> Result<Box<dyn Server>, Unavailable> {
///         Err(Unavailable::Down("nothing listens at 127.0.0.1:4001; start the emulator".into()))
///     }
/// }
///
/// let targets = [Arc::new(Emulator) as Arc<dyn Target>];
/// let down = Suite::new(cases::all(), targets, 7).run(|_| ()).unwrap_err();
/// assert!(down.to_string().starts_with("acme: nothing listens"));
/// ```
pub struct Suite {
    cases: Vec<Case>,
    targets: Vec<Arc<dyn Target>>,
    engine: Arc<dyn Engine>,
    seed: u64,
    n_threads: usize,
    deadline: Duration,
    partial: bool,
    permits: Option<Permits>,
}

/// A target cannot be reached or set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Down {
    /// Which one.
    pub target: String,
    /// Why, with the remedy.
    pub why: String,
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.why)
    }
}

impl std::error::Error for Down {}

/// One more case has ended.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// How many have ended, with this one.
    pub n_done: usize,
    /// How many there are.
    pub n_all: usize,
    /// Its target.
    pub target: &'a str,
    /// What became of it.
    pub case: &'a CaseReport,
}

impl Suite {
    /// `cases` with `targets`, the unbroken engine, two threads, and 120 s a case.
    pub fn new(
        cases: impl IntoIterator<Item = Case>,
        targets: impl IntoIterator<Item = Arc<dyn Target>>,
        seed: u64,
    ) -> Self {
        Self {
            cases: cases.into_iter().collect(),
            targets: targets.into_iter().collect(),
            engine: Arc::new(Unbroken),
            seed,
            n_threads: 2,
            deadline: Duration::from_secs(120),
            partial: false,
            permits: None,
        }
    }

    /// The targets are live services: one case at a time, in the order of the list, and only those that
    /// `permits` has a place for; the others are skipped with the reason.
    #[must_use]
    pub fn permits(mut self, permits: Permits) -> Self {
        self.permits = Some(permits);
        self.n_threads = 1;
        self
    }

    /// What will become of each case with each target at a live service, in the order of the list. Nothing
    /// is sent.
    ///
    /// # Errors
    /// [`Down`] if the server of a target is.
    pub fn plan(&self) -> Result<Vec<(String, Vec<Planned>)>, Down> {
        let harmless = Permits::harmless(usize::MAX);
        let permits = self.permits.as_ref().unwrap_or(&harmless);
        let planned = |target: &Arc<dyn Target>| {
            let name = target.name().to_owned();
            let (cases, permits, named) = (self.cases.clone(), permits.clone(), name.clone());
            let planned = usual(target, self.deadline, move |server| {
                let plan = |case: &Case| Planned {
                    id: case.id,
                    title: case.title,
                    decision: permits.decide(case, &named, server),
                };
                cases.iter().map(plan).collect()
            });
            let list = planned.map_err(|why| Down { target: name.clone(), why })?;
            Ok((name, list))
        };
        self.targets.iter().map(planned).collect()
    }

    /// The cases are a selection: a claim that none of them exercises is no problem.
    #[must_use]
    pub const fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Another engine.
    #[must_use]
    pub fn engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = engine;
        self
    }

    /// So many cases at a time; at least one.
    #[must_use]
    pub fn threads(mut self, n: usize) -> Self {
        self.n_threads = n.max(1);
        self
    }

    /// How long one case may take in real time.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes the run, and tells `progress` of each case that has ended.
    ///
    /// # Errors
    /// [`Down`] if the server of a target is.
    pub fn run(&self, progress: impl Fn(Progress<'_>) + Send + Sync) -> Result<Run, Down> {
        let real = SystemClock::new();
        let claims = self.claims()?;
        let mut work: Vec<(usize, usize)> = (0..self.targets.len())
            .flat_map(|target| (0..self.cases.len()).map(move |case| (target, case)))
            .collect();
        let n_all = work.len();
        match self.permits {
            // The last is taken first.
            Some(_) => work.reverse(),
            None => Random::new(self.seed).shuffle(&mut work),
        }
        let spent: Mutex<Spent> = Mutex::default();
        let work = Mutex::new(work);
        let done: Mutex<Vec<((usize, usize), CaseReport)>> = Mutex::default();
        let down: Mutex<Option<Down>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..self.n_threads {
                scope.spawn(|| {
                    // The list must be free while a case runs: a guard in the head of a `while let` is not.
                    let next = || lock(&work).pop();
                    while let Some((target, case)) = next() {
                        match self.run_one(target, case, &spent) {
                            Ok(report) => {
                                let mut done = lock(&done);
                                done.push(((target, case), report));
                                let n_done = done.len();
                                let (target, case) =
                                    (self.targets[target].name(), &done[n_done - 1].1);
                                progress(Progress { n_done, n_all, target, case });
                            }
                            Err(why) => {
                                let target = self.targets[target].name().to_owned();
                                lock(&down).get_or_insert(Down { target, why });
                                lock(&work).clear();
                            }
                        }
                    }
                });
            }
        });
        if let Some(down) = lock(&down).take() {
            return Err(down);
        }
        let mut done = std::mem::take(&mut *lock(&done));
        done.sort_by_key(|(place, _)| *place);
        Ok(self.report(&real, claims, done))
    }

    /// Runs one case on a thread of its own, so that one that hangs stops nothing else.
    fn run_one(
        &self,
        target: usize,
        case: usize,
        spent: &Mutex<Spent>,
    ) -> Result<CaseReport, String> {
        let case = self.cases[case];
        let plan = Plan {
            target: Arc::clone(&self.targets[target]),
            engine: Arc::clone(&self.engine),
            seed: self.seed,
            deadline: self.deadline,
        };
        match &self.permits {
            Some(permits) => run_live(case, plan, permits, &mut lock(spent)),
            None => run_apart(case, plan),
        }
    }

    fn claims(&self) -> Result<Vec<Vec<Claim>>, Down> {
        let of = |target: &Arc<dyn Target>| {
            let claims = usual(target, self.deadline, usual::claims);
            // "Not known" is no promise: it is tried where the server can rotate, and owes no proof where not.
            let owed = |capabilities: Capabilities| {
                let mut list = Claim::of(&capabilities);
                list.retain(|claim| {
                    *claim != Claim::Rotation || capabilities.refresh != RefreshSupport::Unknown
                });
                list
            };
            claims.map(owed).map_err(|why| Down { target: target.name().to_owned(), why })
        };
        self.targets.iter().map(of).collect()
    }

    fn report(
        &self,
        real: &SystemClock,
        claims: Vec<Vec<Claim>>,
        done: Vec<((usize, usize), CaseReport)>,
    ) -> Run {
        let mut providers: Vec<ProviderReport> = self
            .targets
            .iter()
            .zip(claims)
            .map(|(target, claims)| ProviderReport {
                name: target.name().to_owned(),
                claims: claims
                    .into_iter()
                    .map(|claim| ClaimReport { claim: claim.to_string(), cases: Vec::new() })
                    .collect(),
                cases: Vec::new(),
            })
            .collect();
        for ((target, case), report) in done {
            let provider = &mut providers[target];
            if !matches!(report.outcome, Outcome::Skipped { .. }) {
                let exercised: Vec<String> =
                    self.cases[case].claims.iter().map(ToString::to_string).collect();
                for claim in provider.claims.iter_mut().filter(|c| exercised.contains(&c.claim)) {
                    claim.cases.push(report.id.clone());
                }
            }
            provider.cases.push(report);
        }
        let rows = coverage::rows(&providers);
        let problems = if self.partial { Vec::new() } else { coverage::unproved(&providers) };
        Run {
            rows,
            problems,
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            seed: format!("{:016x}", self.seed),
            started: real.now().to_string(),
            took_ms: millis(real.monotonic().since(Monotonic::default())),
            providers,
        }
    }
}

/// Runs one case on a thread of its own. If that hangs beyond its deadline, it is left to itself and
/// the case has failed.
///
/// # Errors
/// Why the target is not there.
pub fn run_apart(case: Case, plan: Plan) -> Result<CaseReport, String> {
    on_a_thread(case, plan).map(|ran| ran.report)
}

/// Runs one case at a live service, if that may be.
fn run_live(
    case: Case,
    plan: Plan,
    permits: &Permits,
    spent: &mut Spent,
) -> Result<CaseReport, String> {
    let (allowed, name) = (permits.clone(), plan.target.name().to_owned());
    let (decision, rest) = usual(&plan.target, plan.deadline, move |server| {
        (allowed.decide(&case, &name, server), live::rest(server))
    })?;
    let reason = match decision {
        Decision::Runs { sign_ins } => spent.forbids(sign_ins, permits),
        _ => decision.reason(),
    };
    if let Some(reason) = reason {
        return Ok(CaseReport::of(&case, Outcome::Skipped { reason }));
    }
    if spent.sign_ins() > 0 {
        run::real_wait(rest);
    }
    let ran = on_a_thread(case, plan)?;
    spent.note(&case, &ran);
    Ok(ran.report)
}

fn on_a_thread(case: Case, plan: Plan) -> Result<Ran, String> {
    let (tell, hear) = mpsc::channel();
    let deadline = plan.deadline;
    let thread = std::thread::Builder::new().name(case.id.to_owned()).spawn(move || {
        // Nobody listens any more if the deadline is over.
        let _ = tell.send(run::run(&case, &plan));
    });
    thread.map_err(|error| format!("no thread: {error}"))?;
    // The case itself gives up at its deadline; this is for code that never comes back.
    let finding = match hear.recv_timeout(deadline.saturating_add(GRACE)) {
        Ok(ran) => return ran,
        Err(RecvTimeoutError::Timeout) => {
            Finding::new("the case ends", "code that never came back").by(How::NoEnd)
        }
        Err(RecvTimeoutError::Disconnected) => {
            Finding::new("no panic", "one beyond the case, in what runs it").by(How::Panic)
        }
    };
    let unheard = CaseReport::of(&case, Outcome::Failed { finding });
    let report = CaseReport { real_ms: millis(deadline), ..unheard };
    // What it has sent nobody knows.
    Ok(Ran { report, sign_ins: case.live.map_or(0, |live| live.sign_ins as usize), refused: true })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
