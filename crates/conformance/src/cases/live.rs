//! What can be asked of a live service too: seconds, few requests, nothing from behind. The harmless ones
//! are run there unasked, the others if they are allowed by name.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{ErrorKind, Operation, RefreshSupport, RevokeSupport, jwt};
use countersign_runtime::SignOutOutcome;

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "live";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A token with a longer life is not waited for at a live service.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "token-is-given-and-shared",
        "A sign-in gives a token in the headers that are claimed, and the next process is given the same",
        |bench| Box::pin(given(bench)),
    )
    .proves(&[Row::F(1), Row::F(9)])
    .live(1),
    Case::new(
        GROUP,
        "end-is-told-and-met",
        "The end that is told is that of the token itself, and before it comes the token is replaced",
        |bench| Box::pin(end_is_met(bench)),
    )
    .proves(&[Row::F(16), Row::Rfc("7519 §4.1.4")])
    .live(2),
    Case::new(
        GROUP,
        "renewed-on-demand",
        "A renewal on demand brings another token that is taken, and sends no password",
        |bench| Box::pin(renewed(bench)),
    )
    .proves(&[Row::F(37), Row::Rfc("6749 §6")])
    .claims(&[Claim::Refresh])
    .live(1),
    Case::new(
        GROUP,
        "refused-token-is-replaced-once",
        "A token that an API has refused is replaced by one exchange, whoever reports it and how often",
        |bench| Box::pin(replaced(bench)),
    )
    .proves(&[Row::F(21), Row::F(23)])
    .live(2),
    Case::new(
        GROUP,
        "signed-out-and-said-so",
        "After a sign-out nothing is handed out, and what it says of the tokens is what the server has said",
        |bench| Box::pin(signed_out(bench)),
    )
    .proves(&[Row::F(41)])
    .claims(&[Claim::Revoke])
    .live(1),
    Case::new(
        GROUP,
        "f11-renewal-that-reaches-nobody",
        "A renewal that reaches nobody leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::Cut)),
    )
    .proves(&[Row::F(11), Row::F(42)])
    .claims(&[Claim::Refresh])
    .live_with_faults(2),
    Case::new(
        GROUP,
        "f42-renewal-that-a-gateway-answers",
        "A renewal that the page of a gateway answers leaves the good token where it is",
        |bench| Box::pin(spoiled(bench, Fault::GATEWAY_PAGE)),
    )
    .proves(&[Row::F(11), Row::F(42), Row::F(43)])
    .claims(&[Claim::Refresh])
    .live_with_faults(2),
    Case::new(
        GROUP,
        "f33-renewal-that-is-sent-elsewhere",
        "A renewal that is redirected goes nowhere else, and the good token stays where it is",
        |bench| Box::pin(spoiled(bench, Fault::Redirect("https://elsewhere.example/collect"))),
    )
    .proves(&[Row::F(33), Row::F(42)])
    .claims(&[Claim::Refresh])
    .live_with_faults(2),
    Case::new(
        GROUP,
        "f06-renewal-whose-answer-is-lost",
        "A renewal whose answer is lost is not sent again in the same breath, and the good token stays",
        |bench| Box::pin(spoiled(bench, Fault::LoseAnswer)),
    )
    .proves(&[Row::F(6), Row::F(11)])
    .claims(&[Claim::Refresh])
    .live_with_faults(2),
    Case::new(
        GROUP,
        "f36-refused-secret-is-sent-once",
        "A secret that was refused is not sent again for the callers that come after, and the right one signs in",
        |bench| Box::pin(refused_once(bench)),
    )
    .proves(&[Row::F(36)])
    .harm(Harm::Locks)
    .live(2),
    Case::new(
        GROUP,
        "password-there-and-back",
        "A password is changed and changed back, and signs in as before",
        |bench| Box::pin(there_and_back(bench)),
    )
    .claims(&[Claim::ChangePassword])
    .controls(&[Control::NextPassword])
    .harm(Harm::Changes)
    .live(2),
    Case::new(
        GROUP,
        "recovery-is-asked-for-once",
        "Asking for a recovery is one request, needs no token, and signs nobody in",
        |bench| Box::pin(recovery(bench)),
    )
    .claims(&[Claim::ForgotPassword])
    .harm(Harm::Mails)
    .live(0),
];

async fn given(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    expect::state(&session, Status::Active)?;
    let authorized = session.authorization().await?;
    let claimed = &bench.claims().credential_headers;
    let undeclared = authorized.headers().iter().find(|(name, _)| !claimed.contains(name));
    let undeclared = undeclared.map(|(name, _)| name.as_str());
    expect::same("headers that no claim names", undeclared, None::<&str>)?;
    let set = authorized.headers().len();
    expect::same("headers with credentials", set, claimed.len())?;
    let next = bench.process()?.open().await?;
    let theirs = next.authorization().await?.generation();
    expect::same("the token of the next process", theirs, authorized.generation())?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn end_is_met(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let first = session.authorization().await?;
    let (issued, end) = (first.issued_at(), first.expires_at());
    let life = end.since(issued);
    let sane = life >= SECOND && life <= 400 * DAY;
    expect::holds_or("a life of a second to 400 days", sane, format!("{life:?}"))?;
    if let Some(usual) = bench.server().access_life() {
        let off = life.max(usual) - life.min(usual);
        expect::holds_or(&format!("a life of {usual:?}"), off <= SECOND, format!("{life:?}"))?;
    }
    expect::holds_or("an end that is still to come", end > bench.now(), end)?;
    let told = session.status().expires_at;
    expect::same("the end in the status", told, Some(end))?;
    let claims = jwt::Claims::read(first.access_token().secret()).ok();
    if let Some(exp) = claims.and_then(|claims| claims.expires_at()) {
        // Two clocks of which neither is wrong by more than the engine makes up for.
        let apart = exp.since(end).max(end.since(exp));
        expect::holds_or("an end that is that of the token", apart <= 6 * MINUTE, exp)?;
    }
    if bench.is_virtual() || life <= PATIENCE {
        let used = session.clone();
        let next = || used.current().is_some_and(|a| a.generation() != first.generation());
        bench.until("another token before that", end.since(bench.now()), next).await?;
    }
    Ok(())
}

async fn renewed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let first = session.authorization().await?.generation();
    let next = session.refresh().await?;
    expect::same("the same token", next.generation() == first, false)?;
    let given = session.authorization().await?;
    expect::same("the token that is handed out", given.generation(), next.generation())?;
    if bench.server().resource().is_some() {
        expect::same("a call with it", bench.present(&given).await? / 100, 2)?;
    }
    expect::same("refreshes", bench.granted(Op::Refresh), 1)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn replaced(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let refused = session.authorization().await?.generation();
    // Where a sign-in takes a code, the next one takes the next.
    bench.next_code().await;
    let before = bench.sent(bench.renewal());
    for _ in 0..3 {
        session.reject(refused);
    }
    let next = session.authorization().await?.generation();
    expect::same("the refused token", next == refused, false)?;
    // Who comes late with the old news changes nothing.
    session.reject(refused);
    expect::same("the token afterwards", session.authorization().await?.generation(), next)?;
    expect::same("exchanges", bench.sent(bench.renewal()) - before, 1)
}

async fn signed_out(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let said = session.sign_out(MINUTE).await;
    let done = bench.granted(Op::Revoke) == 1;
    let family = bench.claims().revoke == RevokeSupport::Family;
    let true_of_it = match said {
        SignOutOutcome::Revoked => done && family,
        SignOutOutcome::LocalOnly { .. } => done && !family,
        _ => false,
    };
    expect::holds_or(
        "a revocation that was done, and said to be",
        true_of_it,
        format!("{said:?}"),
    )?;
    expect::fails("a caller", ErrorKind::SignedOut, session.authorization().await)?;
    expect::same("revocations", bench.sent(Op::Revoke), 1)
}

pub(super) async fn spoiled(bench: Bench, fault: Fault) -> Result<(), Finding> {
    let good = bench.sign_in().await?.authorization().await?.generation();
    // A caller who does not wait for what comes after a failure.
    let session = bench.hasty(&bench.process()?).await?;
    expect::same("the token to begin with", session.status().generation, Some(good))?;
    bench.next(Op::Refresh, fault)?;
    // What it answers is not the point: the next try may have come through already.
    let _ = session.refresh().await;
    let (sent, through) = (bench.sent(Op::Refresh), bench.granted(Op::Refresh));
    let breath = "a refresh that is not sent again in the same breath";
    // On a slow way to a real service the next try may have been made meanwhile.
    let most = if bench.is_virtual() { 1 } else { 1 + through };
    expect::holds_or(breath, sent <= most, format!("{sent} of them"))?;
    let after = expect::there("a token all the while", session.current())?;
    let bought = bench.granted(Op::Refresh) > 0 || bench.granted(Op::SignIn) > 1;
    let kept = after.generation() == good || bought;
    expect::holds("the token of before, as long as there is no other", kept)?;
    // A refresh token that may be spent is not sent again: the session signs in instead.
    let most = if bench.claims().refresh == RefreshSupport::Reusable { 1 } else { 2 };
    let signed_in = bench.sent(Op::SignIn);
    expect::holds_or(&format!("at most {most} sign-ins"), signed_in <= most, signed_in)?;
    if bench.server().resource().is_some() {
        expect::same("a call with it", bench.present(&after).await? / 100, 2)?;
    }
    Ok(())
}

async fn refused_once(bench: Bench) -> Result<(), Finding> {
    let right = bench.secret()?;
    bench.know_password("Wr0ng-canary-p4ssword!".to_owned().into());
    let session = bench.open_with(|builder| builder.deadline(5 * MINUTE)).await?;
    for _ in 0..3 {
        let soon = session.authorization_within(SECOND).await;
        expect::holds("a caller who is refused", soon.is_err())?;
    }
    expect::same("sign-ins with the wrong secret", bench.sent(Op::SignIn), 1)?;
    bench.know_password(right);
    bench.next_code().await;
    // What may have been the code's fault has been tried again with the next one.
    if session.state() != Status::Active {
        bench.first()?.complete(&session, session.sign_in().await?).await?;
    }
    session.authorization().await?;
    expect::state(&session, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 2)
}

async fn there_and_back(bench: Bench) -> Result<(), Finding> {
    let first = bench.secret()?;
    let session = bench.sign_in().await?;
    for new in [bench.server().next_password(), first] {
        let change = Operation::ChangePassword { new_password: new.clone() };
        session.perform(change).await?;
        bench.know_password(new);
    }
    expect::same("changes", bench.granted(Op::ChangePassword), 2)?;
    bench.next_code().await;
    let other = bench.apart()?.sign_in().await?;
    expect::state(&other, Status::Active)
}

async fn recovery(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    session.perform(Operation::ForgotPassword).await?;
    expect::same("requests", bench.sent(Op::Any), 1)?;
    expect::same("what they asked for", bench.granted(Op::ForgotPassword), 1)?;
    expect::same("a token", session.current().is_some(), false)
}
