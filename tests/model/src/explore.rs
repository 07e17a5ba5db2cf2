//! Running one scenario under many schedules.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// A scenario: it sets a world up, lets tasks meet, and asserts what must hold.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called in the output.
    pub name: &'static str,
    /// It itself.
    pub run: fn(),
    /// Under how many schedules, if nothing else is said.
    pub schedules: usize,
}

/// How often one preemption point out of all decides a schedule of the second kind.
const PCT_DEPTH: usize = 4;

/// A livelock is a failure too.
const MOST_STEPS: usize = 100_000;

impl Scenario {
    /// Half of the schedules are random walks, half give tasks priorities that change at few points.
    /// Both find what the other finds late.
    ///
    /// # Panics
    /// With what the first failing schedule failed with; the seed is on standard error.
    pub fn explore(&self) -> usize {
        let wanted = self.schedules * setting("MODEL_PERCENT", 100) / 100;
        let seed = setting("MODEL_SEED", 0) as u64;
        let half = (wanted / 2).max(1);
        let random = self.under(RandomScheduler::new_from_seed(seed, half), "random", seed);
        let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, half);
        random + self.under(pct, "priorities", seed)
    }

    /// Every schedule that there is; `None` if there are more than `most`.
    ///
    /// # Panics
    /// See [`Scenario::explore`].
    pub fn exhaust(&self, most: usize) -> Option<usize> {
        let n = self.under(DfsScheduler::new(Some(most), true), "exhaustive", 0);
        (n < most).then_some(n)
    }

    /// After how many schedules it fails, if it does within four times as many as are usual: a fault may
    /// need a rare schedule, and most need few.
    pub fn fails_after(&self, seed: u64) -> Option<usize> {
        let n = Arc::new(AtomicUsize::new(0));
        let run = self.run;
        let count = |n: &Arc<AtomicUsize>| {
            let n = Arc::clone(n);
            move || {
                n.fetch_add(1, Ordering::Relaxed);
                run();
            }
        };
        let most = self.schedules * 4;
        let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, most / 2);
        let random = RandomScheduler::new_from_seed(seed, most / 2);
        let failed = catch_unwind(AssertUnwindSafe(|| {
            Runner::new(pct, config()).run(count(&n));
            Runner::new(random, config()).run(count(&n));
        }));
        failed.is_err().then(|| n.load(Ordering::Relaxed))
    }

    #[expect(clippy::print_stderr, reason = "a failure says how to have it again")]
    fn under(&self, scheduler: impl Scheduler + 'static, kind: &str, seed: u64) -> usize {
        let runner = Runner::new(scheduler, config());
        let run = self.run;
        catch_unwind(AssertUnwindSafe(|| runner.run(run))).unwrap_or_else(|failure| {
            let name = self.name;
            eprintln!(
                "model: `{name}` fails under a schedule of kind {kind}; again: MODEL_SEED={seed}"
            );
            resume_unwind(failure)
        })
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 512 * 1024;
    // A seed says it shorter.
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true;
    config
}

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}
