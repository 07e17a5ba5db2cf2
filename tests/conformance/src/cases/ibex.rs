//! What IBEX's password flow alone has.

use std::time::Duration;

use countersign_conformance::{
    Absurd, Bench, Case, Claim, Control, Fault, Finding, Harm, Op, Row, Server, Settings, Setup,
    Times, Unavailable, expect,
};
use countersign_core::session::Status;
use countersign_core::{Answers, Certainty, Credentials, ErrorKind, Operation};
use countersign_simulator::{ErrorBody, HeaderForm};
use http::StatusCode;

use crate::targets::ibex;

const GROUP: &str = "ibex";
const ONLY: &[&str] = &["ibex"];
const HOUR: Duration = Duration::from_secs(3600);
/// The invited account of the simulator, and what the invitation holds.
const INVITED: (&str, &str) = ("new@merchant.example", "Xy7!canary-ibex-mailed");

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p01-zero-is-no-expiry",
        "An expiry of 0 is unknown: the token's own end counts, and it is renewed neither never nor in a loop",
        |bench| Box::pin(zero_is_no_expiry(bench)),
    )
    .proves(&[Row::P(1)])
    .only(ONLY)
    .controls(&[Control::Words, Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "p01-past-is-no-expiry",
        "An expiry that is past, of a token that tells no end, is the declared one",
        |bench| Box::pin(past_is_no_expiry(bench)),
    )
    .proves(&[Row::P(1)])
    .only(ONLY),
    Case::new(
        GROUP,
        "p02-refresh-token-keeps-its-end",
        "A refresh brings no refresh token: the old one is kept with its end, and at that a sign-in follows",
        |bench| Box::pin(refresh_token_keeps_its_end(bench)),
    )
    .proves(&[Row::P(2)])
    .only(ONLY)
    .controls(&[Control::Records, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR).refresh_life(Duration::from_secs(6 * 3600))),
    Case::new(
        GROUP,
        "p03-calls-take-the-raw-token",
        "A call carries the token alone, without the word of a scheme",
        |bench| Box::pin(raw_token(bench)),
    )
    .proves(&[Row::P(3)])
    .only(ONLY)
    .controls(&[Control::Resource]),
    Case::new(
        GROUP,
        "p03-change-password-tries-bearer-once",
        "A change of password that is answered 401 for the raw token is sent once more as Bearer",
        |bench| Box::pin(bearer_once(bench)),
    )
    .proves(&[Row::P(3)])
    .claims(&[Claim::ChangePassword])
    .harm(Harm::Changes)
    .only(ONLY)
    .stage(|setup| {
        ibex::with(setup, |server| server.change_password_header(HeaderForm::Bearer), |a| a)
    }),
    Case::new(
        GROUP,
        "p03-bearer-is-not-tried-twice",
        "A change of password that is answered 401 in both forms is sent twice, and no third time",
        |bench| Box::pin(bearer_not_twice(bench)),
    )
    .proves(&[Row::P(3)])
    .harm(Harm::Changes)
    .only(ONLY),
    refused("p04-refused-with-400", |setup| wrong(setup, StatusCode::BAD_REQUEST, ErrorBody::Empty)),
    refused("p04-refused-with-403", |setup| wrong(setup, StatusCode::FORBIDDEN, ErrorBody::Upper)),
    refused("p04-not-found-is-a-refusal", |setup| {
        wrong(setup, StatusCode::NOT_FOUND, ErrorBody::Text)
    }),
    dead("p04-dead-refresh-token-400", |setup| ended(setup, StatusCode::BAD_REQUEST, ErrorBody::Lower)),
    dead("p04-dead-refresh-token-401", |setup| ended(setup, StatusCode::UNAUTHORIZED, ErrorBody::Empty)),
    Case::new(
        GROUP,
        "p06-temporary-password-by-mail",
        "A recovery mails a temporary password, which is given back with the new one; a wrong one is told and not sent twice",
        |bench| Box::pin(recovery(bench)),
    )
    .proves(&[Row::P(6)])
    .claims(&[Claim::ForgotPassword, Claim::ConfirmForgotPassword])
    .controls(&[Control::Mail])
    .harm(Harm::Mails)
    .only(ONLY),
    Case::new(
        GROUP,
        "p06-sign-up-with-the-temporary-password",
        "An invited account is made with its temporary password, and is signed in by that",
        |bench| Box::pin(sign_up(bench)),
    )
    .proves(&[Row::P(6)])
    .claims(&[Claim::Register])
    .controls(&[Control::Resource])
    .harm(Harm::Changes)
    .only(ONLY),
];

const fn refused(id: &'static str, stage: countersign_conformance::Stage) -> Case {
    let title = "A refused password is told as such whatever the status and with no body to read, and is sent once";
    Case::new(GROUP, id, title, |bench| Box::pin(refused_once(bench)))
        .proves(&[Row::P(4)])
        .only(ONLY)
        .stage(stage)
}

const fn dead(id: &'static str, stage: countersign_conformance::Stage) -> Case {
    let title = "A refresh token that has ended is known by the operation, whatever the status, and one sign-in follows";
    Case::new(GROUP, id, title, |bench| Box::pin(dead_refresh_token(bench)))
        .proves(&[Row::P(4)])
        .claims(&[Claim::Refresh])
        .controls(&[Control::Revoke, Control::Resource])
        .only(ONLY)
        .stage(stage)
}

fn wrong(
    setup: &Setup,
    status: StatusCode,
    body: ErrorBody,
) -> Result<Box<dyn Server>, Unavailable> {
    ibex::with(setup, |server| server.wrong_password(status).error_body(body), |adapter| adapter)
}

fn ended(
    setup: &Setup,
    status: StatusCode,
    body: ErrorBody,
) -> Result<Box<dyn Server>, Unavailable> {
    ibex::with(setup, |server| server.dead_refresh(status).error_body(body), |adapter| adapter)
}

async fn zero_is_no_expiry(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::Auth, Fault::AbsurdExpiry(Absurd::Zero), Times::Always)?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let end = session.authorization().await?.expires_at();
    let off = end.since(bench.now().after(HOUR)).max(bench.now().after(HOUR).since(end));
    let came = format!("{off:?} off");
    expect::holds_or("the end that the token itself tells", off.as_secs() < 2, came)?;
    bench.pass(5 * HOUR).await;
    let sent = bench.sent(Op::Auth);
    expect::holds_or("about one renewal an hour", (5..=10).contains(&sent), sent)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of the call", (reply.is_good(), reply.sends), (true, 1))
}

async fn past_is_no_expiry(bench: Bench) -> Result<(), Finding> {
    let body = r#"{"accessToken":"canary-opaque","accessTokenExpiresAt":1,"refreshToken":"canary-other","refreshTokenExpiresAt":0}"#;
    bench
        .next(Op::SignIn, Fault::Instead { status: 200, content_type: "application/json", body })?;
    let session = bench.open().await?;
    let life = session.authorization().await?.expires_at().since(bench.now());
    let declared = bench.claims().fallback_lifetimes.access;
    let off = life.abs_diff(declared);
    expect::holds_or(&format!("a life of {declared:?}"), off.as_secs() < 2, format!("{life:?}"))?;
    bench.settle().await;
    expect::same("requests", bench.sent(Op::Any), 1)
}

async fn refresh_token_keeps_its_end(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    let end = expect::there("an end of the refresh token", session.status().refresh_expires_at)?;
    bench.pass(5 * HOUR).await;
    expect::same("the end after refreshes", session.status().refresh_expires_at, Some(end))?;
    expect::same("sign-ins until then", bench.sent(Op::SignIn), 1)?;
    bench.pass(6 * HOUR).await;
    let refused = bench.seen(Op::Refresh)?.iter().filter(|seen| !seen.done).count();
    expect::same("refreshes with a dead token", refused, 0)?;
    expect::same("sign-ins in eleven hours", bench.sent(Op::SignIn), 2)?;
    expect::state(&session, Status::Active)
}

async fn raw_token(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let given = session.authorization().await?;
    let carried = given.headers().first().map(|(_, value)| value.len());
    // Compared by length: no token belongs into a report.
    let token = given.access_token().secret().len();
    expect::same("the length of the credential", carried, Some(token))?;
    expect::same("the status of a call", bench.present(&given).await?, 200)
}

async fn bearer_once(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let new = bench.server().next_password();
    session.perform(Operation::ChangePassword { new_password: new.clone() }).await?;
    let sent = bench.sent(Op::ChangePassword) + bench.sent(Op::Continue);
    expect::same("requests for the change", sent, 2)?;
    bench.know_password(new);
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn bearer_not_twice(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let refusal = Fault::Instead { status: 401, content_type: "text/plain", body: "" };
    bench.meets(Op::ChangePassword, refusal.clone(), Times::Always)?;
    bench.meets(Op::Continue, refusal, Times::Always)?;
    let new_password = bench.server().next_password();
    let end = session.perform(Operation::ChangePassword { new_password }).await;
    expect::fails("the change", ErrorKind::InvalidToken, end)?;
    let sent = bench.sent(Op::ChangePassword) + bench.sent(Op::Continue);
    expect::same("requests for the change", sent, 2)
}

async fn refused_once(bench: Bench) -> Result<(), Finding> {
    bench.know_password("Wr0ng-canary-p4ssword!".to_owned().into());
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let error = expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("how sure it is", error.certainty(), Certainty::Certain)?;
    bench.pass(2 * HOUR).await;
    expect::same("sign-ins in two hours", bench.sent(Op::SignIn), 1)
}

async fn dead_refresh_token(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let identity = &bench.account().identity;
    bench.controls()?.revoke(identity, countersign_conformance::RefreshTokens::Revoke);
    let reply = bench.call(&session).await?;
    expect::same("sends of the call", (reply.is_good(), reply.sends), (true, 2))?;
    expect::same("refreshes", bench.sent(Op::Refresh), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn recovery(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    session.perform(Operation::ForgotPassword).await?;
    let identity = &bench.account().identity;
    let mailed = expect::there("a temporary password", bench.controls()?.mail(identity))?;
    let new_password = bench.server().next_password();
    let confirm =
        |code| Operation::ConfirmForgotPassword { code, new_password: new_password.clone() };
    let wrong = session.perform(confirm("Wr0ng-canary-temporary!".to_owned().into())).await;
    expect::fails("a wrong temporary password", ErrorKind::CodeMismatch, wrong)?;
    expect::same("confirmations", bench.sent(Op::ConfirmForgotPassword), 1)?;
    session.perform(confirm(mailed)).await?;
    bench.know_password(new_password);
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn sign_up(bench: Bench) -> Result<(), Finding> {
    let (identity, temporary) = INVITED;
    let credentials = Credentials::password(identity, bench.server().next_password());
    let session = bench.first()?.open_as(identity, credentials).await?;
    let without = Operation::Register { attributes: Answers::new() };
    expect::fails("without it", ErrorKind::InvalidRequest, session.perform(without).await)?;
    expect::same("requests without it", bench.sent(Op::Any), 0)?;
    let attributes = Answers::new().with("temporary_password", temporary.to_owned());
    let done = session.perform(Operation::Register { attributes }).await?;
    expect::holds("the session is signed in by it", done.signed_in)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 0)
}
