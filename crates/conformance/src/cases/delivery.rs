//! Requests and answers that are lost on the way.

use std::time::Duration;

use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "delivery";

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "f06-no-blind-resend",
    "A sign-in whose answer was lost is not sent again in the same breath, and comes about later",
    |bench| Box::pin(no_blind_resend(bench)),
)
.proves(&[Row::F(6)])
.controls(&[Control::VirtualTime])];

async fn no_blind_resend(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    bench.next(Op::SignIn, Fault::LoseAnswer)?;
    expect::same("an authorization at once", session.current().is_some(), false)?;
    bench.settle().await;
    expect::same("sign-ins in the same breath", bench.sent(Op::SignIn), 1)?;
    bench
        .until("a session that is signed in", Duration::from_secs(600), || {
            session.state() == Status::Active
        })
        .await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}
