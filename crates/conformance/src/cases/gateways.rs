//! Web pages that a gateway answers in the provider's place, under the statuses that providers refuse with.

use std::time::Duration;

use countersign_core::session::{Reauthentication, Status};
use countersign_runtime::SignOutOutcome;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "gateways";
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f42-gateway-at-a-sign-in",
        "A sign-in that a firewall answers with a page once is made again by itself, and no person is needed",
        |bench| Box::pin(at_a_sign_in(bench)),
    )
    .proves(&[Row::F(42), Row::F(47)])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f42-gateway-at-renewals-for-minutes",
        "Minutes in which a firewall answers each refresh with a page end no session where a person signs in",
        |bench| Box::pin(at_renewals(bench)),
    )
    .proves(&[Row::F(42), Row::F(37)])
    .claims(&[Claim::Refresh])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f41-gateway-at-a-sign-out",
        "A revocation that a firewall answers with a page is not told as done",
        |bench| Box::pin(at_a_sign_out(bench)),
    )
    .proves(&[Row::F(41)])
    .claims(&[Claim::Revoke]),
];

const fn page(status: u16) -> Fault {
    let body = "<!DOCTYPE html><html><body>This request was blocked</body></html>";
    Fault::Instead { status, content_type: "text/html", body }
}

async fn at_a_sign_in(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, page(403))?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let _ = session.authorization_within(Duration::from_secs(1)).await;
    let there = || session.current().is_some();
    bench.until("a token", 60 * MINUTE, there).await?;
    expect::same("sign-ins that were taken", bench.granted(Op::SignIn), 1)
}

async fn at_renewals(bench: Bench) -> Result<(), Finding> {
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|b| b.keep_alive().reauthentication(manual)).await?;
    session.sign_in().await?;
    for status in [401, 403] {
        bench.meets(Op::Refresh, page(status), Times::Always)?;
        let _ = session.refresh().await;
        bench.pass(5 * MINUTE).await;
        bench.all_well();
        bench.pass(20 * MINUTE).await;
        session.refresh().await?;
        expect::state(&session, Status::Active)?;
    }
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn at_a_sign_out(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::Revoke, page(403))?;
    let end = session.sign_out(Duration::from_secs(30)).await;
    expect::same("what is said", end, SignOutOutcome::Unconfirmed)
}
