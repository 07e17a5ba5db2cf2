//! What Wikimedia Enterprise alone has.

use std::time::Duration;

use countersign_conformance::{
    Bench, Case, Control, Fault, Finding, Harm, Op, Row, Settings, Times, expect,
};
use countersign_core::session::{Reauthentication, Status};
use countersign_core::{Certainty, ChallengeKind, ErrorKind, Operation};
use countersign_runtime::{Session, SignIn};

use crate::targets::wikimedia;

const GROUP: &str = "wikimedia";
const ONLY: &[&str] = &["wikimedia"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const NEEDS: &[Control] = &[Control::Resource, Control::VirtualTime];
const OUTAGE: &[Control] = &[Control::Words, Control::Resource, Control::VirtualTime];
const JSON: &str = "application/json";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p16-429-is-not-waited-out",
        "A refresh that is answered 429 is followed by a sign-in at once, and by no wait",
        |bench| Box::pin(not_waited_out(bench)),
    )
    .proves(&[Row::P(16)])
    .only(ONLY)
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(HOUR))
    // The server counts fewer than the adapter is told.
    .stage(|setup| wikimedia::with(setup, |server| server.budget(2), |adapter| adapter)),
    Case::new(
        GROUP,
        "p16-nothing-is-spent-at-a-start",
        "Twenty starts while the token is good cost no refresh",
        |bench| Box::pin(starts(bench)),
    )
    .proves(&[Row::P(16)])
    .only(ONLY)
    .controls(NEEDS),
    Case::new(
        GROUP,
        "p17-422-is-a-bad-request",
        "A 422 that says to try again later is a defect of the request, and is not tried again",
        |bench| Box::pin(bad_request(bench)),
    )
    .proves(&[Row::P(17)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p18-login-401-is-tried-once-slowly",
        "A sign-in that is answered 401 is told as perhaps refused, tried once more a minute later, and then ever more seldom",
        |bench| Box::pin(once_slowly(bench)),
    )
    .proves(&[Row::P(18)])
    .only(ONLY)
    .controls(&[Control::VirtualTime])
    .harm(Harm::Locks),
    Case::new(
        GROUP,
        "p18-login-401-may-be-an-outage",
        "A sign-in that is answered 401 once is good at the slow second try",
        |bench| Box::pin(may_be_an_outage(bench)),
    )
    .proves(&[Row::P(18)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "p18-refresh-401-ends-nothing-yet",
        "A refresh that is answered 401 once does not end the session: a slow second try says",
        |bench| Box::pin(ends_nothing_yet(bench)),
    )
    .proves(&[Row::P(18)])
    .only(ONLY)
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(Duration::from_secs(24 * 3600))),
    Case::new(
        GROUP,
        "p18-outage-of-the-pool-for-hours",
        "Hours in which the service answers 401 to everything cost a good token nothing, are met by few sign-ins, and the session comes back by itself",
        |bench| Box::pin(outage_of_the_pool(bench)),
    )
    .proves(&[Row::P(18), Row::F(12), Row::F(42)])
    .only(ONLY)
    .controls(OUTAGE)
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| wikimedia::with(setup, |server| server.pool_outage(), |adapter| adapter)),
    Case::new(
        GROUP,
        "p18-outage-of-the-pool-by-hand",
        "Where a person signs in, the same outage costs no good token, sends no password and says that it is not sure",
        |bench| Box::pin(outage_by_hand(bench)),
    )
    .proves(&[Row::P(18), Row::F(42)])
    .only(ONLY)
    .controls(OUTAGE)
    .settings(Settings::USUAL.access_life(HOUR))
    .stage(|setup| wikimedia::with(setup, |server| server.pool_outage(), |adapter| adapter)),
    Case::new(
        GROUP,
        "p18-token-is-fresh-for-a-change",
        "A change of password in the last seconds of a token has a fresh one made first",
        |bench| Box::pin(fresh_for_a_change(bench)),
    )
    .proves(&[Row::P(18)])
    .only(ONLY)
    .harm(Harm::Changes)
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "p19-one-spelling-of-a-name",
        "A name in capitals signs in and is refreshed by one spelling",
        |bench| Box::pin(one_spelling(bench)),
    )
    .proves(&[Row::P(19)])
    .only(ONLY)
    .controls(NEEDS)
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "p19-access-token-alone",
        "Calls carry the access token, though an ID token is there",
        |bench| Box::pin(access_token_alone(bench)),
    )
    .proves(&[Row::P(19)])
    .only(ONLY)
    .controls(&[Control::Resource]),
    Case::new(
        GROUP,
        "p20-unknown-challenge-has-its-name",
        "A challenge that nobody knows is told by its name, as one that cannot be answered",
        |bench| Box::pin(unknown_challenge(bench)),
    )
    .proves(&[Row::P(20)])
    .only(ONLY),
];

const fn answer(status: u16, body: &'static str) -> Fault {
    Fault::Instead { status, content_type: JSON, body }
}

async fn not_waited_out(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.authorization().await?;
    for _ in 0..2 {
        session.refresh().await?;
        bench.pass(MINUTE).await;
    }
    let begun = bench.elapsed();
    session.refresh().await?;
    let took = bench.elapsed().saturating_sub(begun);
    expect::holds_or("no wait", took < MINUTE, format!("{took:?}"))?;
    expect::same("refreshes", bench.sent(Op::Refresh), 3)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

async fn starts(bench: Bench) -> Result<(), Finding> {
    for _ in 0..20 {
        let process = bench.process()?;
        let session = process.open_with(|builder| builder.keep_alive()).await?;
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(HOUR).await;
        process.shutdown(MINUTE).await;
    }
    expect::same("refreshes in twenty hours of a token of a day", bench.sent(Op::Refresh), 0)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn bad_request(bench: Bench) -> Result<(), Finding> {
    let body = r#"{"status":422,"message":"Internal error, please try again later."}"#;
    bench.meets(Op::SignIn, answer(422, body), Times::Always)?;
    let session = bench.open().await?;
    expect::fails("the sign-in", ErrorKind::InvalidRequest, session.sign_in().await)?;
    bench.pass(2 * HOUR).await;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn once_slowly(bench: Bench) -> Result<(), Finding> {
    bench.know_password("wr0ng-canary-password".to_owned().into());
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let error = expect::fails("the sign-in", ErrorKind::InvalidGrant, session.sign_in().await)?;
    expect::same("how sure it is", error.certainty(), Certainty::Possible)?;
    bench.pass(MINUTE.saturating_sub(Duration::from_secs(5))).await;
    expect::same("sign-ins in the first minute", bench.sent(Op::SignIn), 1)?;
    bench.pass(50 * MINUTE).await;
    expect::same("sign-ins in the first hour", bench.sent(Op::SignIn), 2)?;
    // A doubtful refusal is remembered for an hour, and twice as long each time.
    bench.pass(23 * HOUR).await;
    let sent = bench.sent(Op::SignIn);
    expect::holds_or("ever longer pauses after that", sent <= 8, sent)
}

async fn may_be_an_outage(bench: Bench) -> Result<(), Finding> {
    let body = r#"{"status":401,"message":"Incorrect username or password."}"#;
    bench.next(Op::SignIn, answer(401, body))?;
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    let _ = session.sign_in().await;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", HOUR, signed_in).await?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn ends_nothing_yet(bench: Bench) -> Result<(), Finding> {
    // Somebody must be asked before another sign-in: the refresh alone can save the session.
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|b| b.keep_alive().reauthentication(manual)).await?;
    session.sign_in().await?;
    bench.next(Op::Refresh, answer(401, r#"{"status":401,"message":"Unauthorized."}"#))?;
    bench.pass(26 * HOUR).await;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::same("refreshes", bench.sent(Op::Refresh), 2)?;
    expect::state(&session, Status::Active)?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

async fn outage_of_the_pool(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    session.sign_in().await?;
    served_to_its_end(&bench, &session).await?;
    // The refresh token was refused twice; whether the password holds is found out ever more seldom.
    bench.pass(2 * HOUR).await;
    let refreshes = bench.sent(Op::Refresh);
    expect::holds_or("a refresh and a slow second one", refreshes == 2, refreshes)?;
    let sign_ins = bench.sent(Op::SignIn) - 1;
    expect::holds_or("at most four sign-ins in the outage", sign_ins <= 4, sign_ins)?;
    bench.outage(false)?;
    // Nobody looks: a doubtful refusal was last remembered for two hours.
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", 2 * HOUR, signed_in).await?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

async fn outage_by_hand(bench: Bench) -> Result<(), Finding> {
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|b| b.keep_alive().reauthentication(manual)).await?;
    session.sign_in().await?;
    served_to_its_end(&bench, &session).await?;
    bench.pass(2 * HOUR).await;
    let sent = (bench.sent(Op::SignIn), bench.sent(Op::Refresh));
    expect::same("sign-ins and refreshes", sent, (1, 2))?;
    expect::state(&session, Status::ReauthRequired)?;
    let error = expect::there("a reason in the status", session.status().last_error)?;
    expect::same("how sure it is", error.certainty(), Certainty::Possible)?;
    bench.outage(false)?;
    session.sign_in().await?;
    let reply = bench.call(&session).await?;
    expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))
}

/// The outage begins; whatever is refused meanwhile, calls go through until the token ends.
async fn served_to_its_end(bench: &Bench, session: &Session) -> Result<(), Finding> {
    let end = session.authorization().await?.expires_at();
    bench.pass(10 * MINUTE).await;
    bench.outage(true)?;
    while bench.now().after(2 * MINUTE) < end {
        let reply = bench.call(session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
        bench.pass(MINUTE).await;
    }
    bench.pass(end.since(bench.now()).saturating_sub(5 * SECOND)).await;
    expect::holds("a refresh that was refused", bench.sent(Op::Refresh) > 0)?;
    let reply = bench.call(session).await?;
    expect::same("sends of a call in the last seconds", (reply.is_good(), reply.sends), (true, 1))
}

async fn fresh_for_a_change(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let end = session.authorization().await?.expires_at();
    bench.pass(end.before(Duration::from_secs(3)).since(bench.now())).await;
    // The change takes longer than what is left of the token.
    bench.next(Op::Refresh, Fault::Delay(Duration::from_secs(2)))?;
    let new_password = bench.server().next_password();
    session.perform(Operation::ChangePassword { new_password: new_password.clone() }).await?;
    expect::same("refreshes", bench.sent(Op::Refresh), 1)?;
    bench.know_password(new_password);
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn one_spelling(bench: Bench) -> Result<(), Finding> {
    let account = bench.account();
    let typed = account.identity.to_uppercase();
    let credentials = account.credentials.clone().with_identity(&typed);
    let session = bench.first()?.open_as(&typed, credentials).await?;
    bench.call(&session).await?;
    bench.pass(HOUR).await;
    let reply = bench.call(&session).await?;
    expect::holds_or("a call that is taken", reply.is_good(), reply.status)?;
    expect::same("refreshes", (bench.sent(Op::Refresh), bench.granted(Op::Refresh)), (1, 1))?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn access_token_alone(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let given = session.authorization().await?;
    expect::there("an ID token", given.id_token())?;
    expect::same("the status of a call", bench.present(&given).await?, 200)
}

async fn unknown_challenge(bench: Bench) -> Result<(), Finding> {
    let body = r#"{"challenge_name":"FAVOURITE_COLOUR","session":"canary-session"}"#;
    bench.next(Op::SignIn, answer(200, body))?;
    let manual = Reauthentication::Manual;
    let session = bench.open_with(|builder| builder.reauthentication(manual)).await?;
    let SignIn::Challenge(challenge) = session.sign_in().await? else {
        return Err(Finding::new("a challenge", "a complete sign-in"));
    };
    expect::same("its name", &*challenge.name, "FAVOURITE_COLOUR")?;
    expect::same("its kind", challenge.kind, ChallengeKind::Unsupported)?;
    let _ = session.answer(countersign_core::Answers::code("123456".to_owned())).await;
    let error = expect::there("a reason in the status", session.status().last_error)?;
    expect::same("its kind", error.kind(), ErrorKind::Unsupported)?;
    expect::holds("no sign-in", session.state() != Status::Active)?;
    expect::same("requests", bench.sent(Op::Any), 1)
}
