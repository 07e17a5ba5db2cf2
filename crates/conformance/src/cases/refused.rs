//! What the API refuses, and what only looks like it: which token, which generation, how often.

use std::time::Duration;

use countersign_core::Capabilities;
use countersign_core::session::Status;

use crate::bench::Bench;
use crate::case::{Applies, Case, Row};
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::steps::{caller, done};
use crate::target::{Control, Presented, RefreshTokens, Settings};

const GROUP: &str = "rejection";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f21-late-refusals-cost-nothing",
        "Ten calls that are refused with one token cost one exchange, and a late refusal of it none",
        |bench| Box::pin(late_refusals(bench)),
    )
    .proves(&[Row::F(21), Row::F(1)])
    .controls(&[Control::Resource, Control::Revoke]),
    Case::new(
        GROUP,
        "f22-refused-token-is-not-handed-out",
        "A token that was refused is handed out to nobody while its successor is bought",
        |bench| Box::pin(not_handed_out(bench)),
    )
    .proves(&[Row::F(22)])
    .controls(&[Control::Resource, Control::Revoke]),
    Case::new(
        GROUP,
        "f23-no-third-try",
        "A call that is refused with a fresh token too is answered with that, and not tried a third time",
        |bench| Box::pin(no_third_try(bench)),
    )
    .proves(&[Row::F(23), Row::Rfc("6750 §3.1")])
    .controls(&[Control::Resource, Control::Words]),
    Case::new(
        GROUP,
        "f23-forbidden-is-no-refusal",
        "A right that is missing, or an API that fails, costs no exchange and no second call",
        |bench| Box::pin(forbidden(bench)),
    )
    .proves(&[Row::F(23), Row::Rfc("6750 §3.1")])
    .controls(&[Control::Resource])
    .applies(|claims: &Capabilities| match claims.code_per_request {
        Some(_) => Applies::No("its 403 without a documented reason may mean a wrong code"),
        None => Applies::Yes,
    }),
    Case::new(
        GROUP,
        "f19-ended-on-its-way",
        "A token that the server ends earlier than it said is replaced, and the call made once more",
        |bench| Box::pin(ended_early(bench)),
    )
    .proves(&[Row::F(19), Row::F(17)])
    .controls(&[Control::Resource, Control::Expire, Control::Records, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
];

async fn late_refusals(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let old = session.authorization().await?;
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Keep);
    for _ in 0..10 {
        expect::same("what the API says to the old token", bench.present(&old).await? / 100, 4)?;
    }
    // The first of the ten is told; a caller waits for the new token; then come the other nine.
    session.reject(old.generation());
    let new = session.authorization().await?.generation();
    for _ in 0..9 {
        session.reject(old.generation());
        bench.settle().await;
        expect::same("the token in use", session.authorization().await?.generation(), new)?;
    }
    bench.pass(MINUTE).await;
    expect::same("renewals", bench.sent(renewal) - before, 1)?;
    let reply = bench.call(&session).await?;
    expect::same("a call with the new token", (reply.status / 100, reply.sends), (2, 1))
}

async fn not_handed_out(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let old = session.authorization().await?.generation();
    bench.controls()?.revoke(&bench.account().identity, RefreshTokens::Keep);
    let gate = bench.hold(bench.renewal());
    session.reject(old);
    expect::same("a token right after the refusal", session.current().is_some(), false)?;
    gate.reached().await;
    let waiting = caller(&session);
    bench.settle().await;
    expect::same("a token while its successor is bought", session.current().is_some(), false)?;
    expect::same("a caller who was answered meanwhile", waiting.is_finished(), false)?;
    gate.open();
    let new = done(waiting).await??;
    expect::same("the refused token again", new == old, false)?;
    bench.call(&session).await?;
    expect::state(&session, Status::Active)
}

async fn no_third_try(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    bench.meets(Op::Resource, Fault::Unauthorized, Times::Always)?;
    let reply = bench.call(&session).await?;
    expect::same("the status of the call", reply.status / 100, 4)?;
    // Where it may be the code, the next code is tried before the next token.
    let most = if bench.claims().code_per_request.is_some() { 3 } else { 2 };
    expect::holds_or(
        &format!("2 to {most} requests"),
        (2..=most).contains(&reply.sends),
        reply.sends,
    )?;
    expect::same("renewals", bench.sent(renewal) - before, 1)
}

async fn forbidden(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let first = session.authorization().await?.generation();
    let before = bench.sent(Op::Auth);
    let json = "application/json";
    let answers = [
        (403, r#"{"error":"insufficient_scope"}"#),
        (403, ""),
        (400, r#"{"error":"invalid_request"}"#),
        (404, ""),
        (429, ""),
        (500, ""),
        (503, r#"{"error":"temporarily_unavailable"}"#),
    ];
    for (status, body) in answers {
        bench.next(Op::Resource, Fault::Instead { status, content_type: json, body })?;
        let reply = bench.call(&session).await?;
        expect::same("status and requests of the call", (reply.status, reply.sends), (status, 1))?;
    }
    bench.settle().await;
    expect::same("exchanges", bench.sent(Op::Auth) - before, 0)?;
    expect::same("the token in use", session.authorization().await?.generation(), first)
}

async fn ended_early(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    bench.call(&session).await?;
    bench.controls()?.expire(&bench.account().identity);
    let (renewal, before) = (bench.renewal(), bench.sent(bench.renewal()));
    let reply = bench.call(&session).await?;
    expect::holds_or("a call that comes through", reply.is_good() && reply.sends > 1, reply.sends)?;
    expect::same("renewals", bench.sent(renewal) - before, 1)?;
    let seen = bench.seen(Op::Resource)?;
    let expired = seen.iter().filter(|seen| seen.token == Presented::Expired).count();
    expect::holds_or("one or two refused requests", (1..=2).contains(&expired), expired)
}
