//! What ends a session, and what must not.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Capabilities, ErrorKind, RefreshSupport, RevokeSupport};
use countersign_runtime::{SessionEventKind, SignOutOutcome};

use crate::bench::Bench;
use crate::case::{Applies, Case, Row};
use crate::cases::broken::{LONG_LETTERS, NO_TEXT};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::{Fault, Times};
use crate::operation::Op;
use crate::reading::{fails, told};
use crate::steps::{caller, done};
use crate::target::Control;

const GROUP: &str = "endings";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "f35-sign-out-beats-a-renewal",
        "A sign-out during a renewal wins: what the renewal brings is handed to nobody, and nothing brings the session back",
        |bench| Box::pin(beats_a_renewal(bench)),
    )
    .proves(&[Row::F(35)]),
    Case::new(
        GROUP,
        "f35-sign-out-elsewhere-beats-a-renewal",
        "A sign-out by another process during a renewal wins: the late tokens are not written over it",
        |bench| Box::pin(elsewhere(bench)),
    )
    .proves(&[Row::F(35), Row::F(4)]),
    Case::new(
        GROUP,
        "f35-late-tokens-are-revoked",
        "Tokens that come after a sign-out are revoked, and not only forgotten",
        |bench| Box::pin(late_tokens(bench)),
    )
    .proves(&[Row::F(35), Row::F(41)])
    .claims(&[Claim::Refresh, Claim::Revoke])
    .applies(|claims: &Capabilities| match claims.revoke {
        RevokeSupport::None => Applies::No("nothing can be revoked"),
        _ => Applies::Yes,
    }),
    Case::new(
        GROUP,
        "f41-sign-out-in-an-outage",
        "A sign-out while the server hangs is bounded, says that it does not know, and is over for all processes",
        |bench| Box::pin(in_an_outage(bench)),
    )
    .proves(&[Row::F(41)])
    .claims(&[Claim::Revoke])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f42-bad-renewals-end-no-session",
        "No page, error or silence of a server or of a gateway at a renewal ends a session",
        |bench| Box::pin(bad_renewals(bench)),
    )
    .proves(&[Row::F(42), Row::F(43)])
    .controls(&[Control::Resource, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f42-offline-past-the-end",
        "A session that is offline past the end of its token refreshes when the network is back, and asks for no sign-in",
        |bench| Box::pin(offline(bench)),
    )
    .proves(&[Row::F(42)])
    .claims(&[Claim::Refresh])
    .controls(&[Control::VirtualTime]),
    Case::new(
        GROUP,
        "f42-only-a-refusal-ends-it",
        "A refresh token that the server itself refuses ends the session, loudly and once",
        |bench| Box::pin(refused(bench)),
    )
    .proves(&[Row::F(42), Row::Rfc("6749 §5.2")])
    .claims(&[Claim::Refresh])
    .controls(&[Control::Revoke, Control::VirtualTime]),
    Case::new(
        GROUP,
        "f53-api-that-always-refuses",
        "An API that refuses every token costs a handful of exchanges an hour, however many calls are made",
        |bench| Box::pin(always_refuses(bench)),
    )
    .proves(&[Row::F(53), Row::F(23)])
    .controls(&[Control::Words, Control::Resource, Control::VirtualTime]),
];

async fn beats_a_renewal(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let gate = bench.hold(bench.renewal());
    session.reject(session.authorization().await?.generation());
    let waiting = caller(&session);
    gate.reached().await;
    let signing_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(MINUTE).await }
    });
    bench.settle().await;
    expect::same("a token during the sign-out", session.current().is_some(), false)?;
    gate.open();
    done(signing_out).await?;
    let end = done(waiting).await?;
    fails("the caller who waited", &[ErrorKind::SignedOut, ErrorKind::NeedsSignIn], end)?;
    bench.pass(30 * MINUTE).await;
    expect::state(&session, Status::SignedOut)?;
    fails("a call", &[ErrorKind::SignedOut], session.authorization().await)?;
    let later = bench.process()?.open().await?;
    fails("a call elsewhere", &[ErrorKind::SignedOut], later.authorization().await).map(drop)
}

async fn elsewhere(bench: Bench) -> Result<(), Finding> {
    bench.without_hints();
    bench.without_locks();
    let pair = bench.siblings(2).await?;
    let gate = bench.hold(bench.renewal());
    pair[0].reject(pair[0].authorization().await?.generation());
    gate.reached().await;
    pair[1].sign_out(MINUTE).await;
    gate.open();
    bench.settle().await;
    bench.pass(MINUTE).await;
    expect::same("a token after the sign-out", pair[0].current().is_some(), false)?;
    let later = bench.process()?.open().await?;
    fails("a call elsewhere", &[ErrorKind::SignedOut], later.authorization().await).map(drop)
}

async fn late_tokens(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let gate = bench.hold(Op::Refresh);
    let refreshing = tokio::spawn({
        let session = session.clone();
        async move { session.refresh().await.map(drop) }
    });
    gate.reached().await;
    let before = session.authorization().await.ok();
    let signing_out = tokio::spawn({
        let session = session.clone();
        async move { session.sign_out(MINUTE).await }
    });
    bench.settle().await;
    gate.open();
    let end = done(signing_out).await?;
    let sure = end != SignOutOutcome::Unconfirmed;
    expect::holds_or("an end that is sure", sure, format!("{end:?}"))?;
    expect::holds("a refresh that is told so", done(refreshing).await?.is_err())?;
    expect::holds_or("revocations", bench.granted(Op::Revoke) >= 1, bench.granted(Op::Revoke))?;
    // What it held before may go on to its end; the refresh token buys nothing any more.
    drop(before);
    expect::state(&session, Status::SignedOut)
}

async fn in_an_outage(bench: Bench) -> Result<(), Finding> {
    let pair = bench.siblings(2).await?;
    bench.meets(Op::Revoke, Fault::Hang, Times::Always)?;
    let before = bench.elapsed();
    let end = pair[0].sign_out(45 * SECOND).await;
    let took = bench.elapsed().saturating_sub(before);
    expect::holds_or("an end within 45 s", took <= 46 * SECOND, format!("{took:?}"))?;
    expect::same("what is said", end, SignOutOutcome::Unconfirmed)?;
    expect::same("a token", pair[0].current().is_some(), false)?;
    bench.pass(5 * MINUTE).await;
    expect::state(&pair[0], Status::SignedOut)?;
    let later = bench.process()?.open().await?;
    fails("a call elsewhere", &[ErrorKind::SignedOut], later.authorization().await)?;
    let sent = bench.sent(Op::Revoke);
    expect::holds_or("one or two revocations", (1..=2).contains(&sent), sent)
}

/// A failure for which nobody outside has the blame.
fn inside(kind: &SessionEventKind) -> bool {
    match kind {
        SessionEventKind::Stalled(error) | SessionEventKind::Failed(error) => {
            error.kind() == ErrorKind::Internal
        }
        _ => false,
    }
}

async fn bad_renewals(bench: Bench) -> Result<(), Finding> {
    let page = "<!DOCTYPE html><html><body>Please log in to the Wi-Fi</body></html>";
    let html = |status| Fault::Instead { status, content_type: "text/html", body: page };
    let faults = [
        Fault::Refuse,
        Fault::Cut,
        Fault::Hang,
        Fault::GATEWAY_PAGE,
        html(200),
        html(403),
        html(404),
        html(500),
        html(503),
        html(511),
        Fault::Instead { status: 408, content_type: "text/plain", body: "" },
        Fault::Instead { status: 504, content_type: "text/plain", body: "upstream timed out" },
        Fault::Bytes { status: 200, content_type: "application/json", body: NO_TEXT[0] },
        Fault::Bytes { status: 503, content_type: "application/json", body: NO_TEXT[1] },
        Fault::Bytes { status: 503, content_type: "text/plain", body: NO_TEXT[2] },
        Fault::Instead { status: 503, content_type: "application/json", body: LONG_LETTERS },
    ];
    let session = bench.siblings(1).await?.remove(0);
    for fault in faults {
        let name = format!("{fault:?}").chars().take(48).collect::<String>();
        bench.next(bench.renewal(), fault)?;
        let mut events = session.events();
        let _ = session.refresh().await;
        let given = expect::there(&format!("a token after {name}"), session.current())?;
        expect::same(&format!("a call after {name}"), bench.present(&given).await? / 100, 2)?;
        bench.pass(20 * MINUTE).await;
        let call = bench.call(&session).await?;
        expect::holds_or(&format!("a call after {name}"), call.is_good(), call.status)?;
        let told = told(&mut events);
        let over = told.iter().any(|kind| matches!(kind, SessionEventKind::SignedOut));
        expect::same(&format!("an end of the session after {name}"), over, false)?;
        expect::same(&format!("a defect inside over {name}"), told.iter().any(inside), false)?;
        if bench.claims().refresh == RefreshSupport::Reusable {
            expect::same(&format!("sign-ins after {name}"), bench.sent(Op::SignIn), 1)?;
        }
    }
    Ok(())
}

async fn offline(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    bench.meets(Op::Auth, Fault::Refuse, Times::Always)?;
    let left = session.authorization().await?.expires_at().since(bench.now());
    bench.pass(left + 30 * MINUTE).await;
    let end = session.authorization_within(SECOND).await;
    let kinds = [ErrorKind::Transport, ErrorKind::TemporarilyUnavailable, ErrorKind::TimedOut];
    fails("a call while offline", &kinds, end)?;
    bench.all_well();
    bench.until("a token", 15 * MINUTE, || session.current().is_some()).await?;
    expect::same("sign-ins", bench.granted(Op::SignIn), 1)?;
    let refreshes = bench.granted(Op::Refresh);
    expect::holds_or("a refresh", refreshes >= 1, refreshes)
}

async fn refused(bench: Bench) -> Result<(), Finding> {
    let manual = countersign_core::session::Reauthentication::Manual;
    let session = bench.open_with(|b| b.reauthentication(manual).keep_alive()).await?;
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    bench.controls()?.revoke(&bench.account().identity, crate::target::RefreshTokens::Revoke);
    let mut events = session.events();
    session.reject(session.authorization().await?.generation());
    bench.until("the end", 30 * MINUTE, || session.state() == Status::ReauthRequired).await?;
    let failed = |kind: &SessionEventKind| matches!(kind, SessionEventKind::Failed(_));
    let loud = told(&mut events).iter().filter(|kind| failed(kind)).count();
    expect::holds_or("an event that says so", (1..=2).contains(&loud), loud)?;
    let error = expect::there("the error in the status", session.status().last_error)?;
    expect::same("its kind", error.kind(), ErrorKind::InvalidGrant)?;
    let before = bench.sent(Op::Refresh);
    bench.pass(24 * 60 * MINUTE).await;
    expect::same("refreshes afterwards", bench.sent(Op::Refresh) - before, 0)?;
    expect::same("sign-ins", bench.granted(Op::SignIn), 1)
}

async fn always_refuses(bench: Bench) -> Result<(), Finding> {
    let session = bench.siblings(1).await?.remove(0);
    let before = bench.sent(Op::Auth);
    bench.meets(Op::Resource, Fault::Unauthorized, Times::Always)?;
    let mut calls = 0;
    for _ in 0..360 {
        if let Ok(given) = session.authorization_within(SECOND).await {
            calls += 1;
            bench.present(&given).await?;
            session.reject(given.generation());
        }
        bench.pass(10 * SECOND).await;
    }
    let sent = bench.sent(Op::Auth) - before;
    expect::holds_or("calls that were made", calls > 1, calls)?;
    expect::holds_or("at most 40 exchanges in an hour", sent <= 40, sent)?;
    bench.all_well();
    bench.until("a token that is taken", 15 * MINUTE, || session.current().is_some()).await?;
    expect::holds("a call", bench.call(&session).await?.is_good())
}
