//! A change of password that nobody heard the end of.

use std::time::Duration;

use countersign_core::session::Status;
use countersign_core::{ErrorKind, Operation};
use countersign_runtime::SessionEventKind;

use crate::bench::Bench;
use crate::case::{Case, Harm, Row};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::fault::Fault;
use crate::operation::Op;
use crate::reading::{as_sure, fails, told};
use crate::target::Control;

const GROUP: &str = "passwords";
const MINUTE: Duration = Duration::from_secs(60);

const fn case(
    id: &'static str,
    title: &'static str,
    run: fn(Bench) -> crate::case::Running,
) -> Case {
    Case::new(GROUP, id, title, run)
        .proves(&[Row::F(48)])
        .claims(&[Claim::ChangePassword])
        .harm(Harm::Changes)
}

pub(crate) const CASES: &[Case] = &[
    case(
        "change-password",
        "A new password holds from the moment of its change, and the next sign-in sends it",
        |bench| Box::pin(changed(bench)),
    ),
    case(
        "f48-lost-change-that-happened",
        "A change of password whose answer is lost after the deed is settled by one sign-in with the new password",
        |bench| Box::pin(lost(bench, Fault::LoseAnswer, true)),
    ),
    case(
        "f48-lost-change-that-did-not-happen",
        "A change of password that was lost on its way is settled by a sign-in with the new and one with the old",
        |bench| Box::pin(lost(bench, Fault::Cut, false)),
    ),
    case(
        "f48-process-ends-with-a-change-open",
        "A process that starts after a lost change of password knows both and settles it",
        |bench| Box::pin(other_process(bench)),
    ),
    case(
        "f48-neither-password-holds",
        "Where neither the old nor the new password holds, both are sent once and then somebody is asked",
        |bench| Box::pin(neither(bench)),
    )
    .controls(&[Control::Password, Control::VirtualTime]),
];

fn change(bench: &Bench) -> Operation {
    Operation::ChangePassword { new_password: bench.server().next_password() }
}

async fn changed(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    session.perform(change(&bench)).await?;
    expect::same("changes", bench.granted(Op::ChangePassword), 1)?;
    // The source may still yield the old one: it is not sent any more.
    let before = bench.sent(Op::SignIn);
    bench.know_password(bench.server().next_password());
    let other = bench.apart()?.sign_in().await?;
    other.authorization().await?;
    expect::same("sign-ins", bench.sent(Op::SignIn) - before, 1)
}

async fn lost(bench: Bench, fault: Fault, happened: bool) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::ChangePassword, fault)?;
    let end = session.perform(change(&bench)).await;
    fails("the change", &[ErrorKind::Ambiguous], end)?;
    let before = bench.sent(Op::SignIn);
    let mut events = session.events();
    // Where the two cannot be sent in one go, each sign-in by name sends one of them.
    let mut refused = 0;
    for _ in 0..2 {
        match session.sign_in().await {
            Ok(_) => break,
            Err(error) => {
                as_sure(&bench, &error)?;
                refused += 1;
            }
        }
        bench.pass(2 * MINUTE).await;
    }
    expect::state(&session, Status::Active)?;
    let settled = told(&mut events).into_iter().find_map(|kind| match kind {
        SessionEventKind::PasswordSettled { new } => Some(new),
        _ => None,
    });
    expect::same("whether the new one holds", settled, Some(happened))?;
    let sent = bench.sent(Op::SignIn) - before;
    // A refusal that may be something else has one slow try more.
    let slow = if bench.server().refusal_is_certain() { 0 } else { refused };
    let most = if happened { 1 } else { 2 + slow };
    expect::holds_or(&format!("at most {most} sign-ins"), (1..=most).contains(&sent), sent)?;
    // From now on everybody knows.
    let before = bench.sent(Op::SignIn);
    if happened {
        bench.know_password(bench.server().next_password());
    }
    bench.process()?.sign_in().await?;
    expect::same("sign-ins of a sibling", bench.sent(Op::SignIn) - before, 1)
}

async fn other_process(bench: Bench) -> Result<(), Finding> {
    let first = bench.process()?;
    let session = first.sign_in().await?;
    bench.next(Op::ChangePassword, Fault::LoseAnswer)?;
    fails("the change", &[ErrorKind::Ambiguous], session.perform(change(&bench)).await)?;
    first.shutdown(MINUTE).await;
    drop((session, first));
    let before = bench.sent(Op::SignIn);
    let next = bench.process()?.sign_in().await?;
    expect::state(&next, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn) - before, 1)
}

async fn neither(bench: Bench) -> Result<(), Finding> {
    let session = bench.sign_in().await?;
    bench.next(Op::ChangePassword, Fault::Cut)?;
    fails("the change", &[ErrorKind::Ambiguous], session.perform(change(&bench)).await)?;
    let third = "Th1rd-canary-p4ssword!".to_owned().into();
    bench.controls()?.set_password(&bench.account().identity, &third);
    let before = bench.sent(Op::SignIn);
    let refusals = [ErrorKind::InvalidGrant];
    let error = fails("the sign-in", &refusals, session.sign_in().await)?;
    let sent = bench.sent(Op::SignIn) - before;
    expect::holds_or("one or two sign-ins", (1..=2).contains(&sent), sent)?;
    // Nobody goes on guessing; the old token serves to its end.
    bench.pass(15 * MINUTE).await;
    let sent = bench.sent(Op::SignIn) - before;
    as_sure(&bench, &error)?;
    // A refusal that may be something else has one slow try more.
    let most = if bench.server().refusal_is_certain() { 2 } else { 3 };
    expect::holds_or(&format!("at most {most} sign-ins"), sent <= most, sent)?;
    let right = bench.account().credentials.clone().with_identity(&bench.account().identity);
    bench
        .first()?
        .complete(&session, session.sign_in_with(right.with_password(third)).await?)
        .await?;
    expect::state(&session, Status::Active)
}
