//! Refreshes that are counted.

use std::time::Duration;

use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::target::{Control, Settings};

const GROUP: &str = "budget";
const HOUR: Duration = Duration::from_secs(3600);
const NEEDS: &[Control] = &[Control::Records, Control::Resource, Control::VirtualTime];

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p16-budget-is-kept",
        "When a refresh token has bought all that it may, a sign-in follows, and no refresh is sent that would be refused",
        |bench| Box::pin(kept(bench)),
    )
    .proves(&[Row::P(16)])
    .claims(&[Claim::RefreshBudget])
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "p16-budget-outlives-the-process",
        "A process that starts goes on counting where the last one has ended",
        |bench| Box::pin(outlives(bench)),
    )
    .proves(&[Row::P(16)])
    .claims(&[Claim::RefreshBudget])
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(HOUR)),
];

async fn kept(bench: Bench) -> Result<(), Finding> {
    let budget = bench.claims().refresh_budget.unwrap_or_default();
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    bench.pass(HOUR * (budget + 2)).await;
    judge(&bench, budget)?;
    expect::state(&session, Status::Active)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

async fn outlives(bench: Bench) -> Result<(), Finding> {
    let budget = bench.claims().refresh_budget.unwrap_or_default();
    let parts = 3;
    for _ in 0..parts {
        let process = bench.process()?;
        let session = process.open_with(|builder| builder.keep_alive()).await?;
        session.authorization().await?;
        bench.pass(HOUR * (budget / parts + 1)).await;
        process.shutdown(Duration::from_secs(30)).await;
    }
    judge(&bench, budget)
}

/// No refresh was refused, and the budget was used to its end.
fn judge(bench: &Bench, budget: u32) -> Result<(), Finding> {
    let refused = bench.seen(Op::Refresh)?.iter().filter(|seen| !seen.done).count();
    expect::same("refreshes beyond the budget", refused, 0)?;
    let granted = bench.granted(Op::Refresh);
    let all = usize::try_from(budget).unwrap_or(usize::MAX);
    expect::holds_or(&format!("at least {all} refreshes"), granted >= all, granted)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}
