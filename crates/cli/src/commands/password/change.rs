//! `password change`: the old one for a new one.

use clap::Args;
use countersign_core::{CredentialKind, Credentials, Operation};

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
use crate::source;

/// Where the new password comes from and goes to.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// `new_password=SOURCE`, and `password=SOURCE` for the old one where the profile says `prompt`;
    /// SOURCE is env:NAME, file:PATH, fd:NUMBER, or - for a line of standard input. What is not given is
    /// asked for on a terminal
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
}

pub(super) fn run(
    profile: Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::ChangePassword.demand(&profile, &can)?;
    let mut inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    let asks = profile.source(CredentialKind::Password).is_some_and(|from| from.is_interactive());
    inputs.only([new_password::KEY].into_iter().chain(asks.then_some("password")))?;
    let keep = arguments.choice.keep(&profile, global)?;
    let profile = profile.withholding(inputs.variables());
    let engine = Engine::keeping(&profile, global.wait, keep)?;
    engine.run(async |session| {
        let old = credentials(&engine, &mut inputs).await?;
        let label = engine.source().label(CredentialKind::Password);
        let label = format!("new {label}");
        let new =
            arguments.choice.make(&mut inputs, engine.keep(), can.password_policy, &label).await?;
        if old.expect_password().is_ok_and(|old| old.matches(&new)) {
            return Err(Problem::usage(
                "the new password is the old one; nothing was sent",
                "choose another",
            ));
        }
        let change = Operation::ChangePassword { new_password: new };
        let done = engine.perform(session, change, old).await?;
        report::done(&profile, global, "change_password", &done, "the password is changed")?;
        Ok(Exit::Success)
    })
}

/// What the profile says, and the old password from a person where the profile says so.
async fn credentials(engine: &Engine, inputs: &mut Inputs) -> Result<Credentials, Problem> {
    let found = engine.source();
    let mut credentials = found.bare();
    for (kind, from) in &found.sources {
        let secret = if *kind == CredentialKind::Password && from.is_interactive() {
            Some(inputs.get("password", &found.label(*kind), Typing::Hidden).await?)
        } else {
            found.secret(*kind).await?
        };
        if let Some(secret) = secret {
            credentials = source::set(credentials, *kind, secret);
        }
    }
    Ok(credentials)
}
