//! Where credentials must not go.

use countersign_core::{ErrorKind, Origin};
use http::HeaderMap;

use crate::bench::Bench;
use crate::case::{Case, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::reading::fails;
use crate::target::Control;

use std::time::Duration;

const GROUP: &str = "origins";
const MINUTE: Duration = Duration::from_secs(60);
const ELSEWHERE: &str = "https://elsewhere.example/collect";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f33-sign-in-follows-no-redirect",
        "A sign-in that is redirected to another origin is an error, and nothing goes there",
        |bench| Box::pin(sign_in(bench)),
    )
    .proves(&[Row::F(33)]),
    Case::new(
        GROUP,
        "f33-renewal-follows-no-redirect",
        "A renewal that is redirected keeps the session as it was, and nothing goes there",
        |bench| Box::pin(renewal(bench)),
    )
    .proves(&[Row::F(33), Row::F(42)])
    .controls(&[Control::VirtualTime, Control::Resource]),
    Case::new(
        GROUP,
        "f33-revocation-follows-no-redirect",
        "A revocation that is redirected is not confirmed, and the refresh token goes nowhere",
        |bench| Box::pin(revocation(bench)),
    )
    .proves(&[Row::F(33), Row::F(41)])
    .claims(&[Claim::Revoke])
    .live_with_faults(1),
    Case::new(
        GROUP,
        "f33-tokens-are-for-named-origins",
        "Another scheme, host or port of the API's address gets no credential",
        |bench| Box::pin(origins(bench)),
    )
    .proves(&[Row::F(33), Row::Rfc("6750 §5.3")])
    .controls(&[Control::Resource])
    .live(1),
];

fn nothing_went(bench: &Bench) -> Result<(), Finding> {
    let strays = bench.strays().into_iter();
    let went: Vec<_> = strays.map(|s| (s.authority, s.credential_headers, s.body)).collect();
    expect::holds_or("no request elsewhere", went.is_empty(), format!("{went:?}"))
}

async fn sign_in(bench: Bench) -> Result<(), Finding> {
    let session = bench.hasty(&bench.first()?).await?;
    bench.next(Op::SignIn, Fault::Redirect(ELSEWHERE))?;
    let kinds = [ErrorKind::Protocol, ErrorKind::Transport];
    fails("the sign-in", &kinds, session.sign_in().await)?;
    nothing_went(&bench)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn renewal(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    bench.next(bench.renewal(), Fault::Redirect(ELSEWHERE))?;
    let _ = session.refresh().await;
    nothing_went(&bench)?;
    expect::there("a token all the while", session.current())?;
    expect::holds("a call with it", bench.call(&session).await?.is_good())?;
    // It is no word about the session: the next renewal comes through.
    bench.pass(30 * MINUTE).await;
    session.refresh().await?;
    expect::holds("a call with the next", bench.call(&session).await?.is_good())
}

async fn revocation(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::Revoke, Fault::Redirect(ELSEWHERE))?;
    let end = session.sign_out(MINUTE).await;
    let told = end != countersign_runtime::SignOutOutcome::Revoked;
    expect::holds_or("a sign-out that says what is true", told, "`Revoked`")?;
    nothing_went(&bench)
}

async fn origins(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let own = session.api_origins();
    let one = expect::there("an origin of the API", own.first())?;
    let mut headers = HeaderMap::new();
    session.authorize(&mut headers, one).await?;
    expect::same("headers for the API", headers.is_empty(), false)?;
    let scheme = one.scheme().as_str();
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    let foreign = [
        Origin::parse("https://elsewhere.example"),
        Origin::from_parts(scheme, &format!("{}.elsewhere.example", one.host()), Some(one.port())),
        Origin::from_parts(scheme, one.host(), Some(one.port() ^ 1)),
        Origin::from_parts(other_scheme, one.host(), Some(one.port())),
    ];
    // Plain http beyond this machine is no origin at all.
    for origin in foreign.into_iter().flatten() {
        let mut headers = HeaderMap::new();
        let end = session.authorize(&mut headers, &origin).await;
        fails(&format!("an authorization for {origin}"), &[ErrorKind::Configuration], end)?;
        expect::same("headers for it", headers.is_empty(), true)?;
    }
    Ok(())
}
