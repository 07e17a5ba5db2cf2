//! What Ibanera alone has.

use std::time::Duration;

use countersign_conformance::{
    Bench, Case, Control, Fault, Finding, Harm, Op, Row, Running, Settings, Times, expect,
};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::totp::SecretEncoding;
use countersign_core::{Certainty, ErrorKind};
use countersign_simulator::SecretEncoding as ServersEncoding;

use crate::targets::ibanera;

const GROUP: &str = "ibanera";
const ONLY: &[&str] = &["ibanera"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const REFRESH: &str = "/api/v1/public/auth/refresh";
const JSON: &str = "application/json";

const WITH_TOKENS: &str = r#"{"id":0,"details":{"accessToken":"canary-opaque","expiresIn":3600},"status":"0","errors":[{"fieldName":"Login","messageCode":"Username_Or_Password_Incorrect"}]}"#;
const INCORRECT: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"Login","messageCode":"Username_Or_Password_Incorrect"}]}"#;
const REQUIRED: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"username","messageCode":"Required"}]}"#;
const NOT_VERIFIED: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"Login","messageCode":"Account_Not_Verified"}]}"#;
const SUPPRESSED: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"Login","messageCode":"Account_Suppressed"}]}"#;
const UNKNOWN: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"Login","messageCode":"Something_New"}]}"#;
const SEVERAL: &str = r#"{"id":0,"details":null,"status":"0","errors":[{"fieldName":"otp","messageCode":"Required"},{"fieldName":"Login","messageCode":"Account_Locked"}]}"#;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p07-success-status-with-a-failure",
        "An answer 200 whose envelope says \"0\" is a failure, even with tokens inside",
        |bench| Box::pin(failure_inside(bench)),
    )
    .proves(&[Row::P(7)])
    .only(ONLY),
    Case::new(
        GROUP,
        "p07-message-code-in-a-200",
        "A refusal that comes with the status 200 is told by its message code",
        |bench| Box::pin(code_in_a_200(bench)),
    )
    .proves(&[Row::P(7)])
    .only(ONLY)
    .harm(Harm::Locks)
    .stage(|setup| ibanera::with(setup, |server| server.errors_with_200(), |adapter| adapter)),
    Case::new(
        GROUP,
        "p09-renewed-by-signing-in",
        "Without a refresh each renewal is a sign-in with a code that was not used before",
        |bench| Box::pin(by_signing_in(bench)),
    )
    .proves(&[Row::P(9)])
    .only(ONLY)
    .controls(&[Control::Records, Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(Duration::from_secs(90))),
    Case::new(
        GROUP,
        "p09-without-refresh-fields",
        "An answer without a refresh token and with a lifetime as text is as good",
        |bench| Box::pin(works_all_day(bench)),
    )
    .proves(&[Row::P(9)])
    .only(ONLY)
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| {
        let server = |server: countersign_simulator::Ibanera| server.without_refresh_token().expires_in_as_text();
        ibanera::with(setup, server, |adapter| adapter)
    }),
    Case::new(
        GROUP,
        "p09-configured-refresh-path",
        "With a refresh path set, the refresh token is used and the password rests",
        |bench| Box::pin(refreshes(bench)),
    )
    .proves(&[Row::P(9)])
    .only(ONLY)
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| {
        ibanera::with(setup, |server| server.refresh_path(REFRESH), |adapter| adapter.refresh_path(REFRESH))
    }),
    Case::new(
        GROUP,
        "p10-ten-minutes-of-rest",
        "After Account_Locked no process signs in for ten minutes, and one does then",
        |bench| Box::pin(rest(bench)),
    )
    .proves(&[Row::P(10)])
    .only(ONLY)
    .controls(&[Control::Lock, Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "p10-perhaps-a-wrong-code",
        "A refusal that may be about the code is tried once more in the next time step",
        |bench| Box::pin(perhaps_a_code(bench)),
    )
    .proves(&[Row::P(10)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p10-wrong-password-is-not-hammered",
        "A password that is wrong is sent twice, in two time steps, and then ever more seldom",
        |bench| Box::pin(twice_at_most(bench)),
    )
    .proves(&[Row::P(10)])
    .only(ONLY)
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks),
    code("p10-code-required", |bench| {
        Box::pin(told(bench, REQUIRED, (ErrorKind::InvalidRequest, Certainty::Certain)))
    }),
    code("p10-code-not-verified", |bench| {
        Box::pin(told(bench, NOT_VERIFIED, (ErrorKind::AccountUnverified, Certainty::Certain)))
    }),
    code("p10-code-suppressed", |bench| {
        Box::pin(told(bench, SUPPRESSED, (ErrorKind::AccountDisabled, Certainty::Certain)))
    }),
    code("p10-code-unknown", |bench| {
        Box::pin(told(bench, UNKNOWN, (ErrorKind::InvalidRequest, Certainty::Possible)))
    }),
    code("p10-several-codes", |bench| {
        Box::pin(told(bench, SEVERAL, (ErrorKind::AccountLocked, Certainty::Certain)))
    }),
    Case::new(
        GROUP,
        "p11-raw-secret",
        "Where the shared secret is raw characters, the setting makes the codes that the server takes",
        |bench| Box::pin(works_all_day(bench)),
    )
    .proves(&[Row::P(11)])
    .only(ONLY)
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| {
        ibanera::with(
            setup,
            |server| server.secret_encoding(ServersEncoding::Raw),
            |adapter| adapter.secret_encoding(SecretEncoding::Raw),
        )
    }),
    Case::new(
        GROUP,
        "p11-secret-as-people-type-it",
        "A shared secret in lower case and with spaces and padding makes the same codes, and a broken one is told before anything is sent",
        |bench| Box::pin(as_typed(bench)),
    )
    .proves(&[Row::P(11)])
    .only(ONLY)
    .controls(&[Control::Resource]),
];

const fn code(id: &'static str, run: fn(Bench) -> Running) -> Case {
    let title = "Each message code of a sign-in is told as what it is, alone or beside others, and is not tried on and on";
    Case::new(GROUP, id, title, run).proves(&[Row::P(10)]).only(ONLY)
}

const fn answer(status: u16, body: &'static str) -> Fault {
    Fault::Instead { status, content_type: JSON, body }
}

async fn failure_inside(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::SignIn, answer(200, WITH_TOKENS), Times::Next(2))?;
    let session = bench.open_with(|b| b.reauthentication(Reauthentication::Manual)).await?;
    // The second try, in the next time step, shall come before the caller's deadline.
    bench.pass(10 * SECOND).await;
    let end = session.sign_in().await;
    let error = expect::fails("the sign-in", ErrorKind::InvalidGrant, end.map(|_| ()))?;
    expect::same("the code", error.code(), Some("Username_Or_Password_Incorrect"))?;
    expect::same("a token", session.current().is_some(), false)
}

async fn code_in_a_200(bench: Bench) -> Result<(), Finding> {
    bench.know_password("wr0ng-canary-password".to_owned().into());
    let session = bench.open().await?;
    bench.pass(10 * SECOND).await;
    let error = expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("the code", error.code(), Some("Username_Or_Password_Incorrect"))
}

async fn by_signing_in(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..60 {
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(MINUTE).await;
    }
    expect::same("refreshes", bench.sent(Op::Refresh), 0)?;
    let refused = bench.seen(Op::SignIn)?.iter().filter(|seen| !seen.done).count();
    expect::same("sign-ins that were refused", refused, 0)?;
    let sent = bench.sent(Op::SignIn);
    expect::holds_or("a sign-in for each life of a token", (40..=70).contains(&sent), sent)
}

async fn works_all_day(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..24 {
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(HOUR).await;
    }
    expect::state(&session, Status::Active)
}

async fn refreshes(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    for _ in 0..8 {
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(HOUR).await;
    }
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    let refreshes = bench.granted(Op::Refresh);
    expect::holds_or("refreshes in eight hours", refreshes >= 7, refreshes)
}

async fn rest(bench: Bench) -> Result<(), Finding> {
    let identity = &bench.account().identity;
    bench.controls()?.lock(identity, true);
    let session = bench.open().await?;
    expect::fails("the sign-in", ErrorKind::AccountLocked, session.sign_in().await)?;
    bench.controls()?.lock(identity, false);
    let other = bench.process()?;
    let second = other.open().await?;
    for minute in 1..10 {
        let end = second.authorization_within(Duration::from_secs(1)).await;
        expect::holds("no authorization inside of the lock", end.is_err())?;
        bench.pass(MINUTE.saturating_sub(Duration::from_secs(1))).await;
        let sent = bench.sent(Op::SignIn);
        expect::same(&format!("sign-ins after {minute} minutes"), sent, 1)?;
    }
    let back = || session.state() == Status::Active || second.state() == Status::Active;
    bench.until("a session that is signed in", 5 * MINUTE, back).await
}

async fn perhaps_a_code(bench: Bench) -> Result<(), Finding> {
    bench.next(Op::SignIn, answer(400, INCORRECT))?;
    let session = bench.open().await?;
    let begun = bench.elapsed();
    let _ = session.sign_in().await;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 2 * MINUTE, signed_in).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)?;
    let took = bench.elapsed().saturating_sub(begun);
    expect::holds_or("within two steps", took <= MINUTE, format!("{took:?}"))
}

async fn twice_at_most(bench: Bench) -> Result<(), Finding> {
    bench.know_password("wr0ng-canary-password".to_owned().into());
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    bench.pass(10 * SECOND).await;
    let error = expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("how sure it is", error.certainty(), Certainty::Possible)?;
    bench.pass(50 * MINUTE).await;
    expect::same("sign-ins in the first hour", bench.sent(Op::SignIn), 2)?;
    // A doubtful refusal is remembered for an hour, and twice as long each time.
    bench.pass(23 * HOUR).await;
    let sent = bench.sent(Op::SignIn);
    expect::holds_or("ever longer pauses after that", sent <= 8, sent)
}

async fn told(
    bench: Bench,
    body: &'static str,
    (kind, certainty): (ErrorKind, Certainty),
) -> Result<(), Finding> {
    bench.next(Op::SignIn, answer(400, body))?;
    let session = bench.open_with(|b| b.reauthentication(Reauthentication::Manual)).await?;
    let error = expect::fails("the sign-in", kind, session.sign_in().await.map(|_| ()))?;
    expect::holds("its message code is told", body.contains(error.code().unwrap_or("?")))?;
    bench.pass(5 * MINUTE).await;
    // What is not documented may be anything, and is tried once more.
    expect::same("how sure it is", error.certainty(), certainty)?;
    let most = if certainty == Certainty::Possible { 2 } else { 1 };
    let sent = bench.sent(Op::SignIn);
    expect::holds_or(&format!("at most {most} sign-ins"), sent <= most, sent)
}

async fn as_typed(bench: Bench) -> Result<(), Finding> {
    let account = bench.account();
    let secret = expect::there("a secret", account.credentials.totp_secret())?.expose();
    let typed = |spelt: String| account.credentials.clone().with_totp_secret(spelt);
    let in_fours = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>();
    let spelt = format!("{}======", in_fours.join(" ").to_lowercase());
    let process = bench.first()?;
    let session = process.open_as(&account.identity, typed(spelt)).await?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
    let before = bench.sent(Op::Any);
    let broken = process.open_as("somebody-else", typed("no base32: 0189!".to_owned())).await?;
    let end = broken.sign_in().await;
    expect::fails("a broken secret", ErrorKind::Credentials, end)?;
    expect::same("requests", bench.sent(Op::Any), before)
}
