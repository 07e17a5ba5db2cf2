//! What the API refuses: one exchange, one replay, no loop.

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::target::{Control, RefreshTokens};

const GROUP: &str = "rejection";

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "f23-revoked-token",
    "A call whose token was revoked is made once more with a fresh one, after one exchange",
    |bench| Box::pin(revoked_token(bench)),
)
.proves(&[Row::F(23), Row::Rfc("6750 §3.1")])
.claims(&[Claim::Refresh])
.controls(&[Control::Resource, Control::Revoke])];

async fn revoked_token(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.call(&session).await?;
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Keep);
    let reply = bench.call(&session).await?;
    expect::same("the call after it", (reply.status / 100, reply.sends), (2, 2))?;
    expect::same("refreshes", bench.sent(Op::Refresh), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let reply = bench.call(&session).await?;
    expect::same("the next call", (reply.status / 100, reply.sends), (2, 1))
}
