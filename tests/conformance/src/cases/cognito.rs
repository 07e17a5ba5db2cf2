//! What Cognito alone has: its errors, its secret hash, its refreshes, its proof of a password.

use std::time::Duration;

use countersign_cognito::RefreshCall;
use countersign_conformance::{
    Bench, Case, Claim, Control, Fault, Finding, Harm, Op, Row, Settings, Times, expect,
};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{ErrorKind, Operation};

use crate::targets::cognito;

const GROUP: &str = "cognito";
const ONLY: &[&str] = &["cognito"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const AMZ_JSON: &str = "application/x-amz-json-1.1";

const LIMIT: &str = r#"{"__type":"LimitExceededException","message":"Attempt limit exceeded, please try after some time."}"#;
const THROTTLE: &str = r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#;
const EXCEEDED: &str =
    r#"{"__type":"NotAuthorizedException","message":"Password attempts exceeded"}"#;
const REUSE: &str =
    r#"{"__type":"RefreshTokenReuseException","message":"Refresh token has been rotated"}"#;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p21-locked-out-is-not-wrong",
        "Password attempts exceeded is a lockout that ends, and says nothing about the password",
        |bench| Box::pin(locked_out(bench)),
    )
    .proves(&[Row::P(21)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p21-wrong-password-once",
        "Of all that NotAuthorized can mean, a wrong password is told as such and proved once",
        |bench| Box::pin(wrong_password(bench)),
    )
    .proves(&[Row::P(21)])
    .only(ONLY)
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "p21-name-with-a-namespace",
        "An error's name is read with its namespace, from the body alone",
        |bench| Box::pin(wrong_password(bench)),
    )
    .proves(&[Row::P(21)])
    .only(ONLY)
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks)
    .stage(|setup| {
        cognito::with(
            setup,
            |server| server.error_namespace("com.amazonaws.cognito.identity").without_error_headers(),
            |adapter| adapter,
        )
    }),
    Case::new(
        GROUP,
        "p21-limit-is-not-tried-again",
        "A used-up quota of the account is told and not tried again",
        |bench| Box::pin(limit(bench)),
    )
    .proves(&[Row::P(21)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p21-throttle-is-waited-out",
        "A throttled request, which is a 400 like all others, is tried again with a growing wait",
        |bench| Box::pin(throttle(bench)),
    )
    .proves(&[Row::P(21)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p21-five-failures-lock-for-moments",
        "The pool's own lockout after failed passwords is waited out, and no attempt is wasted inside of it",
        |bench| Box::pin(own_lockout(bench)),
    )
    .proves(&[Row::P(21)])
    .claims(&[Claim::Lockout])
    .only(ONLY)
    .controls(&[Control::Records, Control::VirtualTime])
    .harm(Harm::Locks)
    .stage(|setup| {
        cognito::with(setup, |server| server.lockout(1, 60 * SECOND, 900 * SECOND), |adapter| adapter)
    }),
    Case::new(
        GROUP,
        "p22-hash-of-the-internal-name",
        "A refresh by the older call is hashed with the internal name of the user, whatever was typed",
        |bench| Box::pin(internal_name(bench)),
    )
    .proves(&[Row::P(22)])
    .only(ONLY)
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| {
        cognito::with(setup, |server| server, |adapter| adapter.refresh_call(RefreshCall::InitiateAuth))
    }),
    Case::new(
        GROUP,
        "p22-secret-in-its-three-places",
        "Sign-in, refresh, recovery and revocation carry the client's secret, each in its own spelling",
        |bench| Box::pin(three_places(bench)),
    )
    .proves(&[Row::P(22)])
    .claims(&[Claim::Refresh, Claim::Revoke, Claim::ForgotPassword])
    .only(ONLY)
    .controls(&[Control::Records])
    .harm(Harm::Mails),
    Case::new(
        GROUP,
        "p23-rotating-refresh",
        "Where refresh tokens rotate, twelve refreshes go by the one call that is allowed, each with the latest token",
        |bench| Box::pin(rotating(bench)),
    )
    .proves(&[Row::P(23)])
    .claims(&[Claim::Rotation])
    .only(ONLY)
    .controls(&[Control::Records, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR).rotating(Duration::ZERO)),
    Case::new(
        GROUP,
        "p23-reuse-is-the-end",
        "A refresh token that was rotated away ends the session, loudly, and is not sent again",
        |bench| Box::pin(reuse(bench)),
    )
    .proves(&[Row::P(23)])
    .only(ONLY)
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.rotating(Duration::from_secs(30))),
    Case::new(
        GROUP,
        "p24-proof-with-leading-zeros",
        "The proof of the password holds where salt and public value begin with zeros",
        |bench| Box::pin(proofs(bench)),
    )
    .proves(&[Row::P(24)])
    .only(ONLY)
    .controls(&[Control::Records])
    .stage(|setup| cognito::with(setup, |server| server.srp_leading_zeros(), |adapter| adapter)),
    Case::new(
        GROUP,
        "p24-proof-of-the-password",
        "Eight sign-ins prove the password, and no proof is refused, on any day of a month",
        |bench| Box::pin(proofs(bench)),
    )
    .proves(&[Row::P(24)])
    .only(ONLY)
    .controls(&[Control::Records]),
];

const fn answer(body: &'static str) -> Fault {
    Fault::Instead { status: 400, content_type: AMZ_JSON, body }
}

async fn locked_out(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, answer(EXCEEDED))?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let first = session.sign_in().await;
    if let Err(error) = first {
        expect::same("its kind", error.kind(), ErrorKind::AccountLocked)?;
    }
    let transitions = session.status().transitions;
    let locked = transitions.iter().any(|t| t.failure == Some(ErrorKind::AccountLocked));
    expect::holds("a lockout among the transitions", locked)?;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 20 * MINUTE, signed_in).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn wrong_password(bench: Bench) -> Result<(), Finding> {
    bench.know_password("Wr0ng-canary-p4ssword!".to_owned().into());
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    bench.pass(6 * HOUR).await;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn limit(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::SignIn, answer(LIMIT), Times::Always)?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let error = expect::fails("the sign-in", ErrorKind::RateLimited, session.sign_in().await)?;
    expect::same("its code", error.code(), Some("LimitExceededException"))?;
    bench.pass(10 * MINUTE).await;
    expect::same("sign-ins in ten minutes", bench.sent(Op::SignIn), 1)
}

async fn throttle(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::SignIn, answer(THROTTLE), Times::Next(3))?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let _ = session.authorization().await;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 15 * MINUTE, signed_in).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 4)?;
    expect::holds("time between them", !bench.elapsed().is_zero())
}

async fn own_lockout(bench: Bench) -> Result<(), Finding> {
    let right = bench.secret()?;
    bench.know_password("Wr0ng-canary-p4ssword!".to_owned().into());
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    expect::fails("a wrong password", ErrorKind::InvalidGrant, session.sign_in().await)?;
    bench.know_password(right);
    // Now the pool is locked for a minute; whoever signs in meets that once at most.
    let _ = session.sign_in().await;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 20 * MINUTE, signed_in).await?;
    let answered = bench.seen(Op::SignIn)?.len();
    expect::holds_or("three sign-ins at most", answered <= 3, answered)
}

async fn internal_name(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..4 {
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(HOUR).await;
    }
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let refreshes = (bench.sent(Op::Refresh), bench.granted(Op::Refresh));
    expect::same("refreshes, sent and granted", refreshes.0, refreshes.1)
}

async fn three_places(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    session.refresh().await?;
    session.perform(Operation::ForgotPassword).await?;
    session.sign_out(30 * SECOND).await;
    let refused = bench.seen(Op::Any)?.into_iter().find(|seen| !seen.done);
    expect::same("a request that was refused", refused.map(|seen| seen.op), None)?;
    let counts = (bench.sent(Op::Refresh), bench.sent(Op::ForgotPassword), bench.sent(Op::Revoke));
    expect::same("refresh, recovery, revocation", counts, (1, 1, 1))
}

async fn rotating(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    bench.pass(12 * HOUR).await;
    let seen = bench.seen(Op::Refresh)?;
    expect::holds_or("a refresh an hour", (12..=20).contains(&seen.len()), seen.len())?;
    let bad = seen.iter().filter(|seen| !seen.done || seen.spent_refresh_token).count();
    expect::same("refreshes that were refused or brought a spent token", bad, 0)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::state(&session, Status::Active)
}

async fn reuse(bench: Bench) -> Result<(), Finding> {
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|b| b.keep_alive().reauthentication(manual)).await?;
    session.sign_in().await?;
    bench.meets(Op::Refresh, answer(REUSE), Times::Always)?;
    let error = expect::there("a refusal", session.refresh().await.err())?;
    expect::same("its code", error.code(), Some("RefreshTokenReuseException"))?;
    bench.pass(2 * HOUR).await;
    expect::same("refreshes", bench.sent(Op::Refresh), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let told = session.status().last_error.map(|error| error.hint_text().contains("copy"));
    expect::same("a word about theft in the status", told, Some(true))?;
    expect::state(&session, Status::ReauthRequired)
}

async fn proofs(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    for _ in 0..8 {
        session.sign_in().await?;
        bench.pass(3 * 24 * HOUR + 5 * HOUR).await;
    }
    let refused = bench.seen(Op::Auth)?.iter().filter(|seen| !seen.done).count();
    expect::same("proofs that were refused", refused, 0)?;
    expect::same("proofs", bench.sent(Op::Continue), 8)
}
