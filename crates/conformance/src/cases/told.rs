//! What a session tells: who it is, how it stands, what has happened to it.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{ErrorKind, Operation};
use countersign_runtime::SessionEventKind;

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::steps::done;
use crate::target::{Control, Settings};

const GROUP: &str = "telling";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "who-am-i",
        "Asking who one is answers with the account, and takes a token that is good",
        |bench| Box::pin(who_am_i(bench)),
    )
    .proves(&[Row::Rfc("6750 §2.1")])
    .claims(&[Claim::WhoAmI])
    .controls(&[Control::VirtualTime])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "status-tells-how-it-stands",
        "The status tells state, token, its end, what comes next, and how it came about",
        |bench| Box::pin(status(bench)),
    )
    .proves(&[Row::F(46)])
    .settings(Settings::USUAL.access_life(HOUR)),
    Case::new(
        GROUP,
        "events-tell-what-happened",
        "The events of a sign-in, a renewal and a sign-out come once each and in their order",
        |bench| Box::pin(events(bench)),
    )
    .proves(&[Row::F(46)]),
    Case::new(
        GROUP,
        "changed-wakes-who-waits",
        "Who waits for a change is woken by it, and by nothing else",
        |bench| Box::pin(changed(bench)),
    )
    .proves(&[Row::F(46)]),
    Case::new(
        GROUP,
        "a-failure-tells-why",
        "An error names provider, operation, status and the next step, and status and events keep it",
        |bench| Box::pin(failure(bench)),
    )
    .proves(&[Row::F(46), Row::Rfc("6749 §5.2")])
    .controls(&[Control::Password])
    .harm(Harm::Locks),
];

async fn who_am_i(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    let told = session.perform(Operation::WhoAmI).await?;
    let identity = bench.account().identity.to_lowercase();
    let names = told.profile.iter().any(|(_, value)| value.to_lowercase() == identity);
    expect::holds("a profile that names the account", names)?;
    // A token that is over is renewed first.
    bench.pass(2 * HOUR).await;
    session.perform(Operation::WhoAmI).await?;
    expect::same("answers", bench.granted(Op::WhoAmI), 2)
}

async fn status(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let before = session.status();
    expect::same(
        "before: state and token",
        (before.state, before.generation),
        (Status::SignedOut, None),
    )?;
    expect::same("before: whether it is good", before.good, false)?;
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    let after = session.status();
    let given = session.authorization().await?;
    expect::same("after: state", after.state, Status::Active)?;
    expect::same("after: the token", after.generation, Some(given.generation()))?;
    expect::same("after: its end", after.expires_at, Some(given.expires_at()))?;
    expect::same("after: good and saved", (after.good, after.saved), (true, true))?;
    expect::holds("after: no error", after.last_error.is_none())?;
    let (_, next) = expect::there("what comes next", after.next)?;
    let in_time = next > bench.now() && next < given.expires_at();
    expect::holds_or("a next step before the end", in_time, next)?;
    let way: Vec<_> = after.transitions.iter().map(|step| (step.from, step.to)).collect();
    let first = way.first().copied();
    expect::same("the first step", first, Some((Status::SignedOut, Status::Authenticating)))?;
    expect::same("the last step ends in", way.last().map(|step| step.1), Some(Status::Active))?;
    let chained = way.windows(2).all(|pair| pair[0].1 == pair[1].0);
    expect::holds_or("steps that follow from each other", chained, format!("{way:?}"))
}

async fn events(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let mut events = session.events();
    bench.first()?.complete(&session, session.sign_in().await?).await?;
    let first = session.authorization().await?.generation();
    bench.pass(MINUTE).await;
    let second = session.refresh().await?.generation();
    session.sign_out(MINUTE).await;
    bench.settle().await;
    let mut words = Vec::new();
    while let Some(event) = events.try_recv() {
        expect::same("whose event it is", event.session, session.digest())?;
        match event.kind {
            SessionEventKind::Published { generation, saved: true } if generation == first => {
                words.push("first token");
            }
            SessionEventKind::Published { generation, saved: true } if generation == second => {
                words.push("second token");
            }
            SessionEventKind::Published { .. } => words.push("another token"),
            SessionEventKind::SignedOut => words.push("signed out"),
            SessionEventKind::Failed(_) => words.push("failed"),
            _ => {}
        }
    }
    expect::same("events", words, ["first token", "second token", "signed out"])?;
    expect::same("events that were lost", events.dropped(), 0)
}

async fn changed(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    let waiting = tokio::spawn({
        let session = session.clone();
        async move { session.changed().await.state }
    });
    bench.pass(10 * MINUTE).await;
    expect::same("woken although nothing has changed", waiting.is_finished(), false)?;
    let gate = bench.hold(Op::SignIn);
    let signing_in = tokio::spawn({
        let session = session.clone();
        async move { session.authorization().await.map(drop) }
    });
    expect::same("what the change was", done(waiting).await?, Status::Authenticating)?;
    gate.reached().await;
    let next = tokio::spawn({
        let session = session.clone();
        async move {
            loop {
                let status = session.changed().await;
                if status.state == Status::Active {
                    return status.good;
                }
            }
        }
    });
    bench.settle().await;
    gate.open();
    done(signing_in).await??;
    expect::same("whether the token is good", done(next).await?, true)?;
    let waiting = tokio::spawn(async move { session.changed().await.state });
    bench.pass(MINUTE).await;
    expect::same("woken in the first minute of a token", waiting.is_finished(), false)
}

async fn failure(bench: Bench) -> Result<(), Finding> {
    let identity = bench.account().identity.clone();
    bench.controls()?.set_password(&identity, &bench.server().next_password());
    let session = bench.open_with(|builder| builder.deadline(10 * MINUTE)).await?;
    let mut events = session.events();
    let error = match session.sign_in().await {
        Err(error) => error,
        Ok(_) => return Err(Finding::new("a sign-in that is refused", "success")),
    };
    let refusals = [ErrorKind::InvalidGrant, ErrorKind::InvalidClient];
    expect::holds_or("a refusal", refusals.contains(&error.kind()), &error)?;
    let provider = bench.adapter().id();
    let named = (error.provider(), error.operation());
    expect::same("provider and operation", named, (Some(provider), Some("sign_in")))?;
    expect::holds_or("a status of the server", error.status().is_some(), &error)?;
    let text = error.to_string();
    expect::holds_or("a message with the next step", text.contains(": "), &text)?;
    expect::holds_or("a message without the identity", !text.contains(&identity), &text)?;
    expect::holds("the error in the status", session.status().last_error.is_some())?;
    let failed = |kind: &SessionEventKind| {
        matches!(kind, SessionEventKind::Failed(_) | SessionEventKind::Stalled(_))
    };
    let told = std::iter::from_fn(|| events.try_recv()).filter(|e| failed(&e.kind)).count();
    expect::holds_or("one or two events about it", (1..=2).contains(&told), told)
}
