//! A forgotten password, and the rules for a new one.

use countersign_core::session::Status;
use countersign_core::{ErrorKind, Operation};

use crate::bench::Bench;
use crate::case::{Case, Harm};
use crate::claims::Claim;
use crate::expect::{self, Finding};
use crate::operation::Op;
use crate::target::Control;

const GROUP: &str = "recovery";

pub(crate) const CASES: &[Case] = &[
    Case::new(
        GROUP,
        "forgotten-password",
        "What was sent to the owner opens the account with a new password, once, and the session is signed in with that",
        |bench| Box::pin(forgotten(bench)),
    )
    .claims(&[Claim::ForgotPassword, Claim::ConfirmForgotPassword])
    .controls(&[Control::Mail])
    .harm(Harm::Mails),
    Case::new(
        GROUP,
        "wrong-recovery-code",
        "A code that was never sent is refused, once, and the password stays",
        |bench| Box::pin(wrong_code(bench)),
    )
    .claims(&[Claim::ForgotPassword, Claim::ConfirmForgotPassword])
    .controls(&[Control::Mail])
    .harm(Harm::Mails),
    Case::new(
        GROUP,
        "password-policy-before-sending",
        "A new password that breaks the rules is refused before anything is sent",
        |bench| Box::pin(policy(bench)),
    )
    .claims(&[Claim::PasswordPolicy]),
];

async fn forgotten(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    session.perform(Operation::ForgotPassword).await?;
    let identity = &bench.account().identity;
    let code =
        expect::there("something sent to the owner", bench.able_to(Control::Mail)?.mail(identity))?;
    let new_password = bench.server().next_password();
    let confirm = Operation::ConfirmForgotPassword { code, new_password: new_password.clone() };
    session.perform(confirm.clone()).await?;
    let again = session.perform(confirm).await;
    expect::holds("the same code is refused a second time", again.is_err())?;
    bench.know_password(new_password);
    session.sign_in().await?;
    expect::state(&session, Status::Active)?;
    expect::same("sign-ins", bench.sent(Op::SignIn), 1)
}

async fn wrong_code(bench: Bench) -> Result<(), Finding> {
    let session = bench.open().await?;
    session.perform(Operation::ForgotPassword).await?;
    let new_password = bench.server().next_password();
    let code = "000001".to_owned().into();
    let end = session.perform(Operation::ConfirmForgotPassword { code, new_password }).await;
    let error = expect::there("a refusal", end.err())?;
    let kinds = [ErrorKind::CodeMismatch, ErrorKind::InvalidGrant];
    expect::holds_or("a word about the code", kinds.contains(&error.kind()), &error)?;
    bench.settle().await;
    expect::same("confirmations", bench.sent(Op::ConfirmForgotPassword), 1)?;
    session.sign_in().await?;
    expect::state(&session, Status::Active)
}

async fn policy(bench: Bench) -> Result<(), Finding> {
    let claims = bench.claims();
    let session = bench.sign_in().await?;
    let before = bench.sent(Op::Any);
    let weak = || "a".to_owned().into();
    if claims.change_password {
        let end = session.perform(Operation::ChangePassword { new_password: weak() }).await;
        expect::fails("the change", ErrorKind::PasswordRefused, end)?;
    }
    if claims.confirm_forgot_password {
        let code = "123456".to_owned().into();
        let confirm = Operation::ConfirmForgotPassword { code, new_password: weak() };
        expect::fails("the recovery", ErrorKind::PasswordRefused, session.perform(confirm).await)?;
    }
    expect::same("requests", bench.sent(Op::Any), before)
}
