//! What a process is asked for once: by a program that needs a token, or by a person who sits before it.

use std::time::Duration;

use countersign_core::{Answers, Error, ErrorKind, Operation, StoredKey};
use countersign_runtime::{Keeper, Selection, SignIn, SignOutOutcome};
use countersign_simulator::totp::{Totp, base32_key};

use crate::child::{Place, call, chain, described};
use crate::clock::now_ms;
use crate::plan::{Plan, Report, Task};

/// Longer than any end of a session takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does what `plan` asks for, and calls the API if that came about.
pub(crate) async fn once(place: &Place, plan: &Plan) -> Report {
    let mut report = Report::default();
    let session = &place.session;
    let asked = match plan.task {
        Task::Renew | Task::Buy => session.refresh().await.map(drop),
        Task::Use => session.authorization().await.map(drop),
        Task::SignIn => session.sign_in().await.map(drop),
        Task::Answer => {
            let loaded = session.load().await;
            report.pending = session.pending().is_some();
            match loaded {
                Ok(_) if session.status().generation.is_some() => Ok(()),
                Ok(_) => session.answer(answers(place, plan)).await.map(drop),
                Err(error) => Err(error),
            }
        }
        Task::SignInAndAnswer => sign_in_and_answer(place, plan).await,
        Task::ChangePassword => {
            let new_password = plan.person.new_password.clone().into();
            session.perform(Operation::ChangePassword { new_password }).await.map(drop)
        }
        Task::SignOut => {
            report.said = match session.sign_out(PATIENCE).await {
                SignOutOutcome::Revoked => "revoked",
                SignOutOutcome::LocalOnly { .. } => "local only",
                SignOutOutcome::Unconfirmed => "unconfirmed",
            }
            .to_owned();
            return report;
        }
        Task::Call | Task::Load { .. } | Task::Spoil(_) | Task::RevokeAll => Ok(()),
    };
    let failed = asked.is_err();
    if let Err(error) = asked {
        report.refused_kind = Some(format!("{:?}", error.kind()));
        report.refused = Some(chain(&error));
    }
    report.pending |= session.pending().is_some();
    if !failed || matches!(plan.task, Task::Renew | Task::SignIn) {
        call(&place.api, &place.url, &mut report).await;
    }
    report
}

async fn sign_in_and_answer(place: &Place, plan: &Plan) -> Result<(), Error> {
    match place.session.sign_in().await? {
        SignIn::Challenge(_) => match place.session.answer(answers(place, plan)).await? {
            SignIn::Complete => Ok(()),
            _ => Err(Error::new(ErrorKind::Internal).hint("another challenge")),
        },
        _ => Ok(()),
    }
}

/// What the person says to the challenge that is pending: a code that was not used, or a new password.
fn answers(place: &Place, plan: &Plan) -> Answers {
    let wants = place.session.pending().map(|challenge| challenge.wants).unwrap_or_default();
    if wants.iter().any(|name| &**name == "new_password") {
        return Answers::new_password(plan.person.new_password.clone());
    }
    let totp = Totp::default();
    let key = base32_key(&plan.facts.totp_secret).unwrap_or_default();
    let step = plan.person.last_code_step.map_or(0, |last| last + 1).max(totp.step(now_ms()));
    Answers::code(totp.code(&key, step))
}

/// Ends all sessions that the store knows of, and says what came of it.
pub(crate) async fn revoke_all(keeper: &Keeper, plan: &Plan) -> String {
    let resolve = |key: &StoredKey| {
        let mut plan = plan.clone();
        key.identity().clone_into(&mut plan.facts.identity);
        described(&plan, keeper).ok()
    };
    let report = keeper.revoke_all(&Selection::All, PATIENCE, resolve).await;
    let outcomes: Vec<String> =
        report.sessions.iter().map(|one| format!("{:?}", one.outcome)).collect();
    let complete = if report.is_complete() { "complete" } else { "not complete" };
    format!("{complete}: {}", outcomes.join(", "))
}
