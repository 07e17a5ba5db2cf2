//! One-time codes at sign-in.

use std::time::Duration;

use countersign_core::Credentials;
use countersign_runtime::Session;

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::process::Process;
use crate::target::{Control, Settings};

const GROUP: &str = "codes";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const fn case(
    id: &'static str,
    title: &'static str,
    run: fn(Bench) -> crate::case::Running,
) -> Case {
    Case::new(GROUP, id, title, run)
        .proves(&[Row::F(38)])
        .claims(&[Claim::SignInCode])
        .controls(&[Control::Records, Control::CodeAccount, Control::VirtualTime])
        .harm(Harm::Locks)
}

pub(crate) const CASES: &[Case] = &[
    case(
        "f38-each-sign-in-its-own-step",
        "Three processes that sign in one account at once send three codes of three steps, and none is refused",
        |bench| Box::pin(own_step(bench)),
    ),
    case(
        "f38-at-the-edge-of-a-step",
        "Sign-ins at the edge of a step send no code twice, wherever in the step they begin",
        |bench| Box::pin(edges(bench)),
    ),
    case(
        "f38-lost-code-is-spent",
        "A code whose answer was lost is not sent again: the next try waits for the next step",
        |bench| Box::pin(lost(bench)),
    ),
    case(
        "f38-code-by-the-servers-clock",
        "A client whose clock is 100 seconds behind the server's sends codes of the server's time once it knows",
        |bench| Box::pin(skewed(bench)),
    )
    .settings(Settings::USUAL.server_ahead_ms(100_000)),
];

/// An account whose sign-in takes a code.
fn account(bench: &Bench) -> Result<(String, Credentials), Finding> {
    let own = bench.account().clone();
    let account = match own.credentials.totp_secret() {
        Some(_) => Some(own),
        None => bench.server().other_account(),
    };
    let account = expect::there("an account with a code", account)?;
    expect::holds("a secret for codes", account.credentials.totp_secret().is_some())?;
    Ok((account.identity, account.credentials))
}

async fn open(bench: &Bench, process: &Process) -> Result<Session, Finding> {
    let (identity, credentials) = account(bench)?;
    process.open_as(&identity, credentials).await
}

/// Every step of every sign-in was done: name and password are right here, so a refused one was refused for
/// its code, whatever the server's word for that.
fn none_refused(bench: &Bench) -> Result<(), Finding> {
    for op in [Op::SignIn, Op::Answer, Op::Continue] {
        let refused: Vec<_> = bench.seen(op)?.into_iter().filter(|seen| !seen.done).collect();
        let words: Vec<_> = refused.iter().map(|seen| seen.reason.as_deref()).collect();
        expect::holds_or("no code that is refused", refused.is_empty(), format!("{words:?}"))?;
    }
    Ok(())
}

async fn own_step(bench: Bench) -> Result<(), Finding> {
    let mut processes = Vec::new();
    for _ in 0..3 {
        let process = bench.process_with(|b| b.exchange_deadline(30 * SECOND))?;
        processes.push(open(&bench, &process).await?);
    }
    let before = bench.elapsed();
    for session in &processes {
        let mut end = session.sign_in().await;
        // Who had to wait longer than its deadline asks again.
        for _ in 0..4 {
            if end.is_ok() {
                break;
            }
            end = session.sign_in().await;
        }
        end?;
    }
    none_refused(&bench)?;
    let step = bench.claims().sign_in_code.unwrap_or_default();
    let took = bench.elapsed().saturating_sub(before);
    expect::holds_or("two steps or more for three codes", took > step, format!("{took:?}"))
}

async fn edges(bench: Bench) -> Result<(), Finding> {
    let step = bench.claims().sign_in_code.unwrap_or_default();
    let session = open(&bench, &bench.first()?).await?;
    for before_the_edge in [0, 1, 900, 1_000, 5_000] {
        let into = bench.now().as_millis().rem_euclid(i64::try_from(step.as_millis()).unwrap_or(1));
        let into = Duration::from_millis(into.unsigned_abs());
        let rest = (2 * step).saturating_sub(into + Duration::from_millis(before_the_edge));
        bench.pass(rest).await;
        session.sign_in().await?;
        none_refused(&bench)?;
    }
    Ok(())
}

async fn lost(bench: Bench) -> Result<(), Finding> {
    let session = open(&bench, &bench.first()?).await?;
    session.sign_in().await?;
    bench.next_code().await;
    let last = if bench.granted(Op::Continue) > 0 { Op::Continue } else { Op::SignIn };
    bench.next(last, Fault::LoseAnswer)?;
    let _ = session.sign_in().await;
    bench.pass(10 * MINUTE).await;
    session.sign_in().await?;
    none_refused(&bench)
}

async fn skewed(bench: Bench) -> Result<(), Finding> {
    let session = open(&bench, &bench.first()?).await?;
    // Two answers that agree are needed to know a clock.
    for _ in 0..4 {
        let _ = session.sign_in().await;
        // Should the first codes have locked the account, that is over.
        bench.pass(15 * MINUTE).await;
    }
    let known = bench.n_refused(Op::SignIn)? + bench.n_refused(Op::Continue)?;
    session.sign_in().await?;
    bench.pass(MINUTE).await;
    session.sign_in().await?;
    let refused = bench.n_refused(Op::SignIn)? + bench.n_refused(Op::Continue)?;
    expect::same("codes that were refused afterwards", refused - known, 0)
}
