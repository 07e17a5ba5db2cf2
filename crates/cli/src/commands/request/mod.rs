//! `request`: one call of the API, signed in.

mod input;
mod response;
mod screen;

use std::time::Duration;

use clap::Args;
use countersign_reqwest::SendError;

use crate::cli::Global;
use crate::duration;
use crate::engine::Engine;
use crate::exit::Exit;
use crate::opening::Secrets;
use crate::problem::Problem;
use crate::profile::Profile;
use input::Input;

/// What to send, and how long it may take.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: input::Parts,
    /// How long all of it may take, the answer's body included; no limit unless set
    #[arg(long, value_name = "TIME", value_parser = duration::argument)]
    timeout: Option<Duration>,
}

/// Sends a request and prints its answer.
pub(crate) fn run(
    profile: &Profile,
    arguments: &Arguments,
    global: &Global,
) -> Result<Exit, Problem> {
    // First of all: a read that waits ends with the process that a signal ends, until somebody listens for signals.
    let adapter = profile.build()?.adapter;
    let credentials = &adapter.capabilities().credential_headers;
    let input = Input::read(&arguments.parts, credentials, &mut std::io::stdin().lock())?;
    let engine = Engine::open(profile, Secrets::WhenNeeded, global.wait)?;
    engine.run(async |session| {
        let client = engine.client()?.session(session.clone());
        let mut request = client.request(input.method, &arguments.parts.url).headers(input.headers);
        if let Some(body) = input.body {
            request = request.body(body);
        }
        if let Some(timeout) = arguments.timeout {
            request = request.timeout(timeout);
        }
        let response = request.send().await.map_err(|error| explain(&engine, &error))?;
        if global.json {
            response::print_json(response).await
        } else {
            response::print(response).await
        }
    })
}

fn explain(engine: &Engine, error: &SendError) -> Problem {
    match error {
        SendError::Auth(error) => engine.explain(error),
        SendError::Origin(refused) => Problem::usage(error.to_string(), refused.to_string()),
        _ => failed(error),
    }
}

fn failed(error: &SendError) -> Problem {
    let (exit, help) = match error {
        // After an answer it was built once: what failed then says nothing about the command line.
        SendError::Http { source, answered: false, .. } if source.is_builder() => {
            (Exit::Usage, "check the address, the headers and the body")
        }
        SendError::TooManyRedirects => (Exit::Refused, "check the address"),
        _ => (Exit::TryAgain, "check the network, and try again where repeating is harmless"),
    };
    let mut problem = Problem::new(exit, error.to_string(), help);
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        problem = problem.note(format!("caused by: {source}"));
        cause = source.source();
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_once_is_no_mistake_of_the_command_line() {
        for (answered, exit, help) in
            [(false, Exit::Usage, "check the address"), (true, Exit::TryAgain, "is harmless")]
        {
            let source = reqwest::Client::new().get("http://[").build().unwrap_err();
            let problem = failed(&SendError::Http { place: None, source, answered });
            assert_eq!(problem.exit(), exit);
            assert!(problem.remedy().contains(help), "{}", problem.remedy());
        }
    }
}
