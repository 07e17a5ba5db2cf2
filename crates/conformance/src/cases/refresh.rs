//! Renewing: early enough, in the background, without a gap.

use std::time::Duration;

use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::target::{Control, Settings};

const GROUP: &str = "refresh";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "refresh-in-the-background",
    "A session that is used is renewed by its refresh token, so that no call in five hours is refused",
    |bench| Box::pin(in_the_background(bench)),
)
.proves(&[Row::Rfc("6749 §6"), Row::F(37)])
.claims(&[Claim::Refresh])
.controls(&[Control::Resource, Control::VirtualTime])
.settings(Settings::USUAL.access_life(HOUR))];

async fn in_the_background(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    for _ in 0..60 {
        let reply = bench.call(&session).await?;
        expect::same("requests of a call", (reply.status / 100, reply.sends), (2, 1))?;
        bench.pass(HOUR / 12).await;
    }
    expect::state(&session, Status::Active)?;
    expect::same("sign-ins in five hours", bench.sent(Op::SignIn), 1)?;
    let refreshes = bench.granted(Op::Refresh);
    expect::holds_or("5 to 8 refreshes in five hours", (5..=8).contains(&refreshes), refreshes)
}
