//! `password confirm`: a new password with what was sent.

use clap::Args;
use countersign_core::{CredentialKind, Operation};

use super::beside_the_password;
use crate::ask::Typing;
use crate::cli::Global;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::new_password::{self, Choice};
use crate::offer::Offer;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;

/// Where code and new password come from.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// `code=SOURCE` (what was sent) and `new_password=SOURCE`; SOURCE is env:NAME, file:PATH, fd:NUMBER,
    /// or - for a line of standard input. What is not given is asked for on a terminal
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
}

pub(super) fn run(
    profile: Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::ConfirmPassword.demand(&profile, &can)?;
    let mut inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    inputs.only(["code", new_password::KEY])?;
    let keep = arguments.choice.keep(&profile, global)?;
    let profile = profile.withholding(inputs.variables());
    let engine = Engine::without_secrets(&profile, global.wait, keep)?;
    engine.run(async |session| {
        let credentials = beside_the_password(&engine).await?;
        let sent = format!("{} that was sent", report::code_word(&can));
        let code = inputs.get("code", &sent, Typing::Hidden).await?;
        let label = format!("new {}", engine.source().label(CredentialKind::Password));
        let policy = can.password_policy;
        let new_password =
            arguments.choice.make(&mut inputs, engine.keep(), policy, &label).await?;
        let confirm = Operation::ConfirmForgotPassword { code, new_password };
        let done = engine.perform(session, confirm, credentials).await?;
        let words = "the new password is set; sign in with it";
        report::done(&profile, global, "confirm_forgot_password", &done, words)?;
        Ok(Exit::Success)
    })
}
