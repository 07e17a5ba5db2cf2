//! Everything that is no renewal: where it happens, and who dies in it.

mod after;
mod many;
mod promise;

use std::sync::Arc;
use std::time::Duration;

use countersign_simulator::{Account, Operation, RefreshTokens};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::document::{Tables, apart};
use super::fate::Fate;
use super::seams;
use crate::clock::now_ms;
use crate::experiments::Failure;
use crate::findings::Findings;
use crate::kind::Kind;
use crate::plan::{Plan, Report, Task};
use crate::process::Process;
use crate::stage::Stage;

/// No token ends by itself here.
const LIFE: Duration = Duration::from_secs(3600);
const AT_ONCE: usize = 4;
/// Who waits for the next code does nothing else.
const WAITING_AT_ONCE: usize = 16;

const WRONG: &str = "Canary-wrong-p4ssword!";
const NEW: &str = "Canary-n3w-p4ssword!";

/// What a process is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// A sign-in by itself, on a day that allows one.
    SignIn,
    /// A renewal whose refresh is refused, and the sign-in that follows.
    SignInAgain,
    /// A sign-in with a one-time code, which the library makes.
    Code,
    /// A sign-in that a challenge ends.
    Challenge,
    /// The answer to it.
    Answer,
    /// An answer that sets the first password of the account's own.
    FirstPassword,
    ChangePassword,
    SignOut,
    RevokeAll,
    /// A sign-in whose password is refused.
    Refused,
    /// A sign-in to an account that is locked.
    Locked,
}

impl Act {
    const ALL: [Self; 11] = [
        Self::SignIn,
        Self::SignInAgain,
        Self::Code,
        Self::Challenge,
        Self::Answer,
        Self::FirstPassword,
        Self::ChangePassword,
        Self::SignOut,
        Self::RevokeAll,
        Self::Refused,
        Self::Locked,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignInAgain => "refused refresh, sign-in",
            Self::Code => "sign-in with a code",
            Self::Challenge => "sign-in to a challenge",
            Self::Answer => "answer with a code",
            Self::FirstPassword => "answer with a password",
            Self::ChangePassword => "change of password",
            Self::SignOut => "sign-out",
            Self::RevokeAll => "revocation of all",
            Self::Refused => "refused password",
            Self::Locked => "locked account",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Code => Kind::Codes,
            Self::SignInAgain | Self::SignOut | Self::RevokeAll => Kind::NoGrace,
            _ => Kind::Reusable,
        }
    }

    /// What the process is asked for that dies.
    fn task(self) -> Task {
        match self {
            Self::SignIn | Self::Code | Self::Refused | Self::Locked => Task::Use,
            Self::SignInAgain => Task::Buy,
            Self::Challenge => Task::SignIn,
            Self::Answer | Self::FirstPassword => Task::Answer,
            Self::ChangePassword => Task::ChangePassword,
            Self::SignOut => Task::SignOut,
            Self::RevokeAll => Task::RevokeAll,
        }
    }
}

/// A server, an account and a store, with what an act finds there.
struct Scene {
    act: Act,
    stage: Stage,
}

impl Scene {
    async fn new(act: Act) -> Result<Self, Failure> {
        let mut stage = Stage::new(act.kind(), LIFE).await?;
        let who = match act {
            Act::Challenge | Act::Answer => Some("mfa@pool.example"),
            Act::FirstPassword => Some("new@pool.example"),
            _ => None,
        };
        let account = who.and_then(|who| stage.simulator.account_of(who));
        if let Some(Account { identity, password, temporary_password, totp_secret, .. }) = account {
            stage.facts.identity = identity;
            stage.facts.password = temporary_password.unwrap_or(password);
            stage.facts.totp_secret = totp_secret.unwrap_or_default();
        }
        let scene = Self { act, stage };
        match act {
            Act::SignIn | Act::Code | Act::Challenge | Act::Refused => {}
            Act::Locked => scene.stage.simulator.change_account(&scene.stage.facts.identity, |a| {
                a.locked_until_ms = Some(now_ms() + 600_000);
            }),
            Act::Answer | Act::FirstPassword => drop(scene.done(Task::SignIn).await?),
            Act::SignInAgain => {
                scene.done(Task::Call).await?;
                scene.end_tokens();
            }
            Act::ChangePassword | Act::SignOut | Act::RevokeAll => {
                scene.done(Task::Call).await?;
            }
        }
        Ok(scene)
    }

    /// The plan of a process that comes now.
    fn plan(&self, task: Task) -> Plan {
        let mut plan = self.stage.plan(task);
        let account = self.stage.simulator.account_of(&plan.facts.identity);
        plan.person.last_code_step = account.and_then(|account| account.last_code_step);
        plan.person.new_password = NEW.to_owned();
        plan
    }

    /// The plan of the one that dies.
    fn dying(&self) -> Plan {
        let mut plan = self.plan(self.act.task());
        plan.counts_steps = true;
        match self.act {
            Act::SignIn => plan.automatic = Some(1),
            Act::Refused => {
                plan.automatic = Some(2);
                plan.facts.password = WRONG.to_owned();
            }
            Act::Challenge | Act::Answer => plan.automatic = None,
            _ => {}
        }
        plan
    }

    /// What a process tells that comes now.
    async fn done(&self, task: Task) -> Result<Report, Failure> {
        run(&self.plan(task)).await
    }

    /// So many requests for it have come to the server.
    fn asked(&self, operation: Operation) -> usize {
        self.stage.simulator.count(|record| record.operation == operation)
    }

    /// So many of them were carried out.
    fn done_at_server(&self, operation: Operation) -> u64 {
        self.stage.simulator.totals().exchanges_of(operation)
    }

    fn refused(&self, operation: Operation) -> u64 {
        self.stage.simulator.totals().refused_of(operation)
    }

    /// Ends all tokens at the provider.
    fn end_tokens(&self) {
        self.stage.simulator.revoke_all(&self.stage.facts.identity, RefreshTokens::Revoke);
    }
}

async fn run_to_report(plan: &Plan) -> Result<Option<Report>, Failure> {
    Ok(Process::start(plan).await?.report().await?)
}

async fn run(plan: &Plan) -> Result<Report, Failure> {
    run_to_report(plan).await?.ok_or_else(|| "a process has ended without a word".into())
}

/// The steps of an act, from a process that lives.
async fn steps(act: Act) -> Result<Vec<String>, Failure> {
    Ok(run(&Scene::new(act).await?.dying()).await?.steps)
}

async fn die_at(act: Act, n: usize) -> Result<Fate, Failure> {
    let scene = Scene::new(act).await?;
    let mut plan = scene.dying();
    plan.dies_at = Some(u32::try_from(n)?);
    if run_to_report(&plan).await?.is_some() {
        return Ok(Fate::Other("it did not die"));
    }
    scene.after().await
}

/// Nothing is written or sent between such a step and the one before it: both end alike.
fn is_a_word(step: &str) -> bool {
    step.starts_with("the machine has said")
}

/// Dies at each step of each act, and says what became of it. `quick`: not at a mere word of the machine.
pub(super) async fn all(quick: bool, findings: &mut Findings) -> Result<Tables<Fate>, Failure> {
    let leave = Arc::new(Semaphore::new(AT_ONCE));
    let waiting = Arc::new(Semaphore::new(WAITING_AT_ONCE));
    let mut runs = JoinSet::new();
    let mut acts = Vec::new();
    for act in Act::ALL {
        let steps = steps(act).await?;
        let deaths = (0..steps.len()).filter(|n| !(quick && is_a_word(&steps[*n])));
        for n in deaths {
            let leave = Arc::clone(if act == Act::Code { &waiting } else { &leave });
            runs.spawn(async move {
                let _leave = leave.acquire().await?;
                Ok::<_, Failure>((act, n, die_at(act, n).await?))
            });
        }
        let found = vec![Fate::Other("not run"); steps.len()];
        acts.push((act, steps, found));
    }
    while let Some(run) = runs.join_next().await {
        let (act, n, fate) = run??;
        if let Some((_, _, found)) = acts.iter_mut().find(|(of, ..)| *of == act) {
            found[n] = fate;
        }
    }
    many::run_all(quick, findings).await?;
    let mut tables = Tables::default();
    for (act, steps, mut found) in acts {
        let promised = promise::of(act, &steps);
        let mut n_left_out = 0;
        for n in (0..steps.len()).filter(|n| quick && is_a_word(&steps[*n])) {
            (found[n], n_left_out) = (promised[n], n_left_out + 1);
        }
        let n_deaths = steps.len() - n_left_out;
        let broken: Vec<String> = (0..steps.len())
            .filter(|n| found[*n] != promised[*n])
            .map(|n| format!("{}: {:?} instead of {:?}", steps[n], found[n], promised[n]))
            .collect();
        findings.claim(
            broken.is_empty() && n_deaths > 9,
            format!("{}: {n_deaths} steps, each ends as promised {broken:?}", act.name()),
        );
        seams::tell(act.name(), &steps, |seam| seams::why_not(act, seam), findings);
        let all = steps.into_iter().zip(found).collect();
        if act == Act::SignInAgain {
            let [refresh, sign_in] = apart(all);
            tables.add("refused refresh", refresh);
            tables.add("sign-in after it", sign_in);
        } else {
            tables.add(act.name(), all);
        }
    }
    Ok(tables)
}
