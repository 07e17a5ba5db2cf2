//! `mfa enroll`: associate, verify, prefer.

use std::path::PathBuf;

use clap::Args;
use countersign_core::{Answers, Operation, SecretString};

use crate::cli::Global;
use crate::engine::{Engine, is_certain};
use crate::enrolment::{Enrolment, Showing};
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::new_password::file;
use crate::offer::Offer;
use crate::opening::Secrets;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::report;

/// Who sees the secret, and who gives the first code.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    showing: Showing,
    /// Write the secret to a file, readable for you alone; it is beside it as PATH.new until a code has
    /// proved it. So it goes by itself to the file that the profile reads `totp_secret` from. The first
    /// code is then made of it, and nobody is asked
    #[arg(long, value_name = "file:PATH", value_parser = file)]
    write_to: Option<PathBuf>,
    /// How the provider shall call the authenticator
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
    /// `code=SOURCE`, read after the secret was shown; SOURCE is env:NAME, file:PATH, fd:NUMBER, or - for
    /// a line of standard input
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
}

pub(super) fn run(
    profile: Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let can = profile.build()?.adapter.capabilities().clone();
    Offer::EnrollMfa.demand(&profile, &can)?;
    let mut inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    inputs.only(["code"])?;
    let profile = profile.withholding(inputs.variables());
    let copy = arguments.write_to.clone();
    let mut enrolment = Enrolment::new(&profile, can, &arguments.showing, copy, global)?;
    enrolment.demand_a_reader()?;
    let engine = Engine::open(&profile, Secrets::Ahead, global.wait)?;
    let done = engine.run(async |session| {
        let begun = engine.extension(session, "associate_software_token", Answers::new()).await?;
        let challenge = begun.challenge.ok_or_else(no_secret)?;
        if !enrolment.begin(&challenge)? {
            return Err(no_secret());
        }
        let mut input = Answers::code(enrolment.code(&mut inputs, engine.now()).await?);
        if let Some(name) = &arguments.device_name {
            input = input.with("device_name", SecretString::new(name.as_str()));
        }
        enrolment.sending();
        let verify = Operation::Extension { name: "verify_software_token".into(), input };
        if let Err(error) = session.perform(verify).await {
            if is_certain(&error) {
                enrolment.refused();
            }
            return Err(engine.explain(&error));
        }
        enrolment.proved()?;
        let preferred = Answers::new().with("software_token", SecretString::new("preferred"));
        let done = engine.extension(session, "set_user_mfa_preference", preferred).await?;
        let words = "the authenticator is set up; the next sign-in asks for its code";
        report::done(&profile, global, "mfa_enroll", &done, words)?;
        Ok(Exit::Success)
    });
    if done.is_err() {
        enrolment.abandon();
    }
    done
}

fn no_secret() -> Problem {
    Problem::new(Exit::Refused, "the provider gave no secret for an authenticator", "try again")
}
