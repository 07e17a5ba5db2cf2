//! Signing in, and the first call.

use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "sign-in";

pub(crate) const CASES: &[Case] = &[Case::new(
    GROUP,
    "sign-in-and-call",
    "A session signs in on first use, once, and its calls are taken",
    |bench| Box::pin(sign_in_and_call(bench)),
)
.proves(&[Row::Rfc("6749 §4.3"), Row::Rfc("6750 §2.1")])
.claims(&[Claim::SignIn, Claim::CredentialHeaders])
.controls(&[Control::Resource])
.live(1)];

async fn sign_in_and_call(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    expect::state(&session, Status::SignedOut)?;
    expect::same("requests of a session that nobody uses", bench.sent(Op::Any), 0)?;
    for _ in 0..3 {
        let reply = bench.call(&session).await?;
        expect::holds_or("a call that is taken", reply.is_good(), reply.status)?;
    }
    expect::state(&session, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::same("calls", bench.sent(Op::Resource), 3)?;
    let set: Vec<_> = session.authorization().await?.headers().to_vec();
    let claimed = &bench.claims().credential_headers;
    let undeclared = set.iter().find(|(name, _)| !claimed.contains(name));
    expect::same(
        "headers that no claim names",
        undeclared.map(|(name, _)| name.as_str()),
        None::<&str>,
    )
}
