//! `login`: the sign-in, with every challenge that comes on the way.

mod choice;
mod gather;

use clap::Args;
use countersign_core::Challenge;
use serde_json::json;

use super::status;
use crate::cli::Global;
use crate::engine::{Engine, is_certain};
use crate::enrolment::{Enrolment, Showing};
use crate::exit::Exit;
use crate::inputs::Inputs;
use crate::new_password::Choice;
use crate::output;
use crate::problem::Problem;
use crate::profile::Profile;
use gather::Gathering;

/// More challenges in one sign-in than any provider has.
const MOST_ROUNDS: usize = 16;

/// What to begin or to go on with.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Answer the challenge that an earlier login has met, in whatever process that was
    #[arg(long = "continue")]
    go_on: bool,
    /// An answer to a challenge: KEY=env:NAME, KEY=file:PATH, KEY=fd:NUMBER, or KEY=- for a line of
    /// standard input; may be given several times. What is not given is asked for on a terminal. A descriptor
    /// should be a pipe: Linux reads a plain file from its beginning for each answer
    #[arg(long, value_name = "KEY=SOURCE")]
    answer: Vec<String>,
    #[command(flatten)]
    new_password: Choice,
    #[command(flatten)]
    showing: Showing,
}

/// Signs in, or goes on with a sign-in.
pub(crate) fn run(
    profile: Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    let inputs = Inputs::parse(&arguments.answer, crate::environment)?;
    let keep = arguments.new_password.keep(&profile, global)?;
    let profile = &profile.withholding(inputs.variables());
    let engine = Engine::keeping(profile, global.wait, keep)?;
    let mut given = Gathering {
        inputs,
        new_password: &arguments.new_password,
        keep: engine.keep().clone(),
        policy: engine.adapter().capabilities().password_policy,
        profile: profile.name(),
        enrolment: {
            let can = engine.adapter().capabilities().clone();
            Enrolment::new(profile, can, &arguments.showing, None, global)?
        },
    };
    engine.run(async |session| {
        let mut next: Option<Challenge> = if arguments.go_on {
            Some(session.pending().ok_or_else(|| nothing_pending(profile))?)
        } else {
            engine.sign_in(session).await?
        };
        let mut refused = None;
        for _ in 0..MOST_ROUNDS {
            let Some(challenge) = next else {
                engine.saved().await?;
                return told(profile, global, &session.status(), &engine);
            };
            let answers = match given.answers(&challenge, refused.as_ref(), engine.now()).await {
                Ok(answers) => answers,
                Err(problem) => {
                    if global.json && problem.exit() == Exit::ChallengePending {
                        output::json(&json!({
                            "profile": profile.name(),
                            "state": "challenged",
                            "challenge": status::challenge_json(&challenge),
                        }))?;
                    }
                    return Err(problem);
                }
            };
            given.enrolment.sending();
            next = engine.answer(session, answers).await?;
            // The same question again, and a failure: the answer was not taken.
            let again = next.as_ref().is_some_and(|next| next.name == challenge.name);
            if !again {
                given.enrolment.proved()?;
            }
            refused = session.status().last_error.filter(|_| again);
            if refused.as_ref().is_some_and(is_certain) {
                given.enrolment.refused();
            }
        }
        Err(Problem::new(
            Exit::Refused,
            "the provider asks for one proof after another",
            "begin again with `countersign login`; if that repeats, ask the provider",
        ))
    })
}

fn told(
    profile: &Profile,
    global: &Global,
    state: &countersign_runtime::SessionStatus,
    engine: &Engine,
) -> Result<Exit, Problem> {
    if global.json {
        output::json(&status::as_json(profile, state, None))?;
    } else {
        output::say(&format!("signed in; {}", status::until(state, engine.now())));
    }
    Ok(Exit::Success)
}

fn nothing_pending(profile: &Profile) -> Problem {
    Problem::new(
        Exit::SignInNeeded,
        format!("{} has no challenge that waits for an answer", profile.name()),
        "it may be answered or over: begin again with `countersign login`",
    )
}
