//! What IBEX's OAuth 2 flow alone has.

use std::time::Duration;

use countersign_conformance::{
    Bench, Case, Control, Fault, Finding, Op, Row, Settings, Times, expect,
};
use countersign_core::ErrorKind;
use countersign_core::session::Status;

const GROUP: &str = "ibex";
const ONLY: &[&str] = &["ibex_oauth2"];
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "p05-grant-is-repeated",
        "Without a refresh token the grant itself is repeated in time, as a form with the audience",
        |bench| Box::pin(repeated(bench)),
    )
    .proves(&[Row::P(5), Row::Rfc("6749 §4.4")])
    .only(ONLY)
    .controls(&[Control::Resource, Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "p05-hanging-token-endpoint",
        "A token endpoint that hangs holds nobody for minutes, and the session comes about when it answers again",
        |bench| Box::pin(hanging(bench)),
    )
    .proves(&[Row::P(5)])
    .only(ONLY)
    .controls(&[Control::VirtualTime]),
];

async fn repeated(bench: Bench) -> Result<(), Finding> {
    let session = bench.open_with(|builder| builder.keep_alive()).await?;
    bench.call(&session).await?;
    for _ in 0..5 {
        bench.pass(HOUR).await;
        let reply = bench.call(&session).await?;
        expect::same("sends of a call", (reply.is_good(), reply.sends), (true, 1))?;
    }
    expect::same("refreshes", bench.sent(Op::Refresh), 0)?;
    let grants = bench.granted(Op::SignIn);
    expect::holds_or("about one grant an hour", (6..=8).contains(&grants), grants)
}

async fn hanging(bench: Bench) -> Result<(), Finding> {
    bench.meets(Op::SignIn, Fault::Hang, Times::Next(2))?;
    let session = bench.open().await?;
    let end = session.authorization().await;
    let error = expect::there("an error at the deadline", end.err())?;
    let kinds = [ErrorKind::TimedOut, ErrorKind::Transport, ErrorKind::TemporarilyUnavailable];
    expect::holds_or("a lack of time", kinds.contains(&error.kind()), error.kind())?;
    let waited = bench.elapsed();
    expect::holds_or(
        "an end within a minute",
        waited <= Duration::from_secs(60),
        format!("{waited:?}"),
    )?;
    let signed_in = || session.state() == Status::Active;
    bench.until("a session that is signed in", Duration::from_secs(600), signed_in).await
}
