//! Challenges that survive, and those that are over.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{Answers, Challenge, ErrorKind, SealKeys, SecretBytes};
use countersign_runtime::{Session, SignIn};

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::process::Process;
use crate::reading::fails;
use crate::steps::done;
use crate::target::{Control, Settings};

const GROUP: &str = "challenges";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

const fn case(
    id: &'static str,
    title: &'static str,
    run: fn(Bench) -> crate::case::Running,
) -> Case {
    Case::new(GROUP, id, title, run)
        .claims(&[Claim::Challenges])
        .settings(Settings::USUAL.first_password())
        .harm(Harm::Changes)
}

pub(crate) const CASES: &[Case] = &[
    case(
        "challenge-is-answered",
        "A sign-in that asks for a new password is complete with the answer, and the password holds",
        |bench| Box::pin(answered(bench)),
    )
    .proves(&[Row::F(51)]),
    case(
        "f39-challenge-that-is-over",
        "A challenge whose time is over is told so, sends nothing, and the sign-in begins again from the first factor",
        |bench| Box::pin(over(bench)),
    )
    .proves(&[Row::F(39)])
    .controls(&[Control::VirtualTime]),
    case(
        "f39-answer-just-in-time",
        "An answer ten seconds before the end of a challenge is taken: the end is the server's",
        |bench| Box::pin(just_in_time(bench)),
    )
    .proves(&[Row::F(39)])
    .controls(&[Control::VirtualTime]),
    case(
        "f51-answered-in-another-process",
        "A challenge outlives its process: the next one finds it, answers it, and is signed in",
        |bench| Box::pin(another_process(bench)),
    )
    .proves(&[Row::F(51)]),
    case(
        "f51-answered-once",
        "Of two processes that answer one challenge at once one is heard, and one answer is sent",
        |bench| Box::pin(answered_once(bench)),
    )
    .proves(&[Row::F(51)]),
    case(
        "f51-carried-to-another-replica",
        "A challenge that the caller carries as a text is answered by a replica with a store of its own",
        |bench| Box::pin(carried(bench)),
    )
    .proves(&[Row::F(51)]),
];

/// A session of `process` that stands before the challenge.
async fn met(process: &Process) -> Result<(Session, Challenge), Finding> {
    let session = process.open().await?;
    match session.sign_in().await? {
        SignIn::Challenge(challenge) => {
            expect::state(&session, Status::Challenged)?;
            Ok((session, *challenge))
        }
        _ => Err(Finding::new("a challenge", "a session that is signed in")),
    }
}

fn answer(bench: &Bench) -> Answers {
    bench.know_password(bench.server().next_password());
    Answers::new_password(bench.server().next_password())
}

async fn answered(bench: Bench) -> Result<(), Finding> {
    let (session, challenge) = met(&bench.first()?).await?;
    expect::holds("a deadline in the future", challenge.expires_at > bench.now())?;
    expect::same("a token before the answer", session.current().is_some(), false)?;
    session.answer(answer(&bench)).await?;
    session.authorization().await?;
    expect::holds("no challenge any more", session.pending().is_none())?;
    expect::same("answers", bench.sent(Op::Answer), 1)?;
    // The new password holds.
    bench.apart()?.sign_in().await?.authorization().await?;
    expect::same("answers", bench.sent(Op::Answer), 1)
}

async fn over(bench: Bench) -> Result<(), Finding> {
    let (session, challenge) = met(&bench.first()?).await?;
    let left = challenge.expires_at.since(bench.now());
    expect::holds_or("a deadline of a day or less", left <= 24 * HOUR, format!("{left:?}"))?;
    bench.pass(left + SECOND).await;
    expect::holds("no challenge any more", session.pending().is_none())?;
    let end = session.answer(answer(&bench)).await;
    fails("an answer that comes too late", &[ErrorKind::ChallengeExpired], end)?;
    expect::same("answers", bench.sent(Op::Answer), 0)?;
    // From the first factor, with the password of before.
    bench.know_password(expect::there("the first password", first_password(&bench))?);
    let (session, again) = met(&bench.process()?).await?;
    expect::holds("a new deadline", again.expires_at > bench.now())?;
    session.answer(answer(&bench)).await?;
    expect::state(&session, Status::Active)
}

async fn just_in_time(bench: Bench) -> Result<(), Finding> {
    let (session, challenge) = met(&bench.first()?).await?;
    let left = challenge.expires_at.since(bench.now());
    bench.pass(left.saturating_sub(10 * SECOND)).await;
    session.answer(answer(&bench)).await?;
    expect::state(&session, Status::Active)
}

fn first_password(bench: &Bench) -> Option<countersign_core::SecretString> {
    bench.account().credentials.expect_password().ok().cloned()
}

async fn another_process(bench: Bench) -> Result<(), Finding> {
    let first = bench.process()?;
    let (session, challenge) = met(&first).await?;
    first.shutdown(SECOND).await;
    drop((session, first));
    let next = bench.process()?.open().await?;
    let found = expect::there("the challenge", next.pending())?;
    expect::same("its name", found.name, challenge.name)?;
    next.answer(answer(&bench)).await?;
    expect::state(&next, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)?;
    expect::same("answers", bench.sent(Op::Answer), 1)
}

async fn answered_once(bench: Bench) -> Result<(), Finding> {
    let (one, _) = met(&bench.process()?).await?;
    let other = bench.process()?.open().await?;
    expect::there("the challenge in the sibling", other.pending())?;
    let answers = answer(&bench);
    let gate = bench.hold(Op::Answer);
    let both = [one.clone(), other.clone()].map(|session| {
        let answers = answers.clone();
        tokio::spawn(async move { session.answer(answers).await.is_ok() })
    });
    gate.reached().await;
    bench.settle().await;
    gate.open();
    let mut heard = 0;
    for end in both {
        heard += u32::from(done(end).await?);
    }
    expect::holds_or("somebody who is heard", heard >= 1, heard)?;
    expect::same("answers", bench.sent(Op::Answer), 1)?;
    bench.pass(SECOND).await;
    let tokens =
        (one.authorization().await?.generation(), other.authorization().await?.generation());
    expect::same("the tokens of both", tokens.0, tokens.1)
}

async fn carried(bench: Bench) -> Result<(), Finding> {
    let (session, challenge) = met(&bench.apart()?).await?;
    let keys = SealKeys::new(1, SecretBytes::new(vec![7; 32]));
    let text = session.seal_challenge(&keys).await?;
    let replica = bench.apart()?.open().await?;
    let found = replica.resume(&text, &keys).await?;
    expect::same("the name of the challenge", found.name, challenge.name)?;
    replica.answer(answer(&bench)).await?;
    expect::state(&replica, Status::Active)?;
    let again = replica.resume(&text, &keys).await;
    fails("the text a second time", &[ErrorKind::ChallengeExpired], again)?;
    let damaged = format!("{}A", &text[..text.len() - 2]);
    let third = bench.apart()?.open().await?;
    fails("a damaged text", &[ErrorKind::InvalidRequest], third.resume(&damaged, &keys).await)?;
    expect::same("answers", bench.sent(Op::Answer), 1)
}
